/* JSON to Lua values: from text, or from items of an arena. Marks and null: luajson.h. */
#ifndef TIDELOCK_BRIDGE_LUADECODE_H
#define TIDELOCK_BRIDGE_LUADECODE_H

#include <lua.h>

#include "core/json.h"
#include "proto/socketio.h"

/* Reads a text and pushes its value; else pushes nothing, fills *err (DECODE) and returns
 * its code. May raise (memory). */
int luajson_decode(lua_State *L, const char *text, size_t len, Error *err);
/* The same for a text that is an array: pushes its items without the first `skip`, and
 * returns how many; or -1, then nothing is pushed. */
int luajson_decode_list(lua_State *L, const char *text, size_t len, int skip, Error *err);
/* luajson_decode for the payload of a binary packet: attachments become strings. */
int luajson_decode_binaries(lua_State *L, const char *text, size_t len,
                            const SioBytes *attachments, int count, Error *err);

/* Pushes a fresh value. Null is an absent key in objects, json.null elsewhere. May raise
 * (memory). `arena` must be the one that the item came from. */
void luajson_push(lua_State *L, const JsonArena *arena, const cJSON *item);

#endif
