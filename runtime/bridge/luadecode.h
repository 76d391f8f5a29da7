/* JSON text to Lua values. Null is an absent key in objects, json.null elsewhere. Marks:
 * luajson.h. */
#ifndef TIDELOCK_BRIDGE_LUADECODE_H
#define TIDELOCK_BRIDGE_LUADECODE_H

#include <lua.h>

#include "core/json.h"
#include "proto/socketio.h"

/* Reads a text and pushes its value; else pushes nothing, fills *err (DECODE) and returns
 * its code. May raise (memory). */
int luajson_decode(lua_State *L, const char *text, size_t len, Error *err);
/* A text that is an array, whose items are pushed one by one. Borrows. */
typedef struct LuaJsonList {
  const char *text;
  size_t len;
  int skip;              /* so many items are passed over first */
  const SioBytes *parts; /* the attachments of a binary packet, for its placeholders */
  int count;
  bool marks; /* attachments become bytes as of socket.binary, not strings */
} LuaJsonList;
/* Returns how many it pushed; or -1, then nothing is pushed (DECODE; PROTOCOL where a
 * placeholder has no attachment). May raise (memory). */
int luajson_decode_list(lua_State *L, const LuaJsonList *list, Error *err);
/* luajson_decode for the payload of a binary packet. */
int luajson_decode_binaries(lua_State *L, const char *text, size_t len,
                            const SioBytes *attachments, int count, Error *err);

#endif
