/* JSON items and Lua values, one into the other, without a step between.
 *
 * Tables: an array (1..n) carries the mark json.array once decoded, so that an empty one
 * stays []; an empty object carries json.object. A mark is a metatable that scripts see
 * only as its name. json.null is a light userdata NULL. */
#ifndef TIDELOCK_BRIDGE_LUAJSON_H
#define TIDELOCK_BRIDGE_LUAJSON_H

#include <lua.h>

#include "core/json.h"
#include "proto/socketio.h"

/* Pushes a fresh value. Null is an absent key in objects, json.null elsewhere. May raise
 * (memory). `arena` must be the one that item came from. */
void luajson_push(lua_State *L, const JsonArena *arena, const cJSON *item);

/* Reads a text and pushes its value; else pushes nothing, fills *err (DECODE) and returns
 * its code. May raise (memory). */
int luajson_decode(lua_State *L, const char *text, size_t len, Error *err);
/* The same for a text that is an array: pushes its items but for the first `skip`, and
 * returns how many; or -1, then nothing is pushed. */
int luajson_decode_list(lua_State *L, const char *text, size_t len, int skip, Error *err);

/* A table that is in another twice is written twice: few of them can make a text without
 * end. */
enum { LUAJSON_MOST = 128 << 20 };

/* Appends the value as JSON; views and drafts are taken as they are. Never raises, looks
 * at tables raw; on an error `out` is as it was and *err says what is wrong and where:
 * `payload.items[3].name`. */
int luajson_encode(lua_State *L, int index, Buffer *out, Error *err);

/* The same with binary data (bridge/binary.h) anywhere within: a placeholder takes its
 * place in the text, its bytes go into the list, which borrows them from the value.
 * Several values of one packet share a list; the text of them all is then to be asked of
 * sio_check_placeholders. On an error the list, too, is as it was. */
typedef struct LuaBinaries {
  int count;
  SioBytes items[SIO_MOST_SENT];
} LuaBinaries;
int luajson_encode_binaries(lua_State *L, int index, Buffer *out, LuaBinaries *binaries,
                            Error *err);
/* Appends the values from `first` to `last` as the array of an event or an ack; nil is
 * null. On an error *wrong is the index of the value, or 0: they cannot go together. */
int luajson_encode_list(lua_State *L, int first, int last, Buffer *out,
                        LuaBinaries *binaries, int *wrong, Error *err);
/* luajson_decode for the payload of a binary packet: attachments become strings. */
int luajson_decode_binaries(lua_State *L, const char *text, size_t len,
                            const SioBytes *attachments, int count, Error *err);

typedef enum JsonMark { JSON_UNMARKED, JSON_ARRAY, JSON_OBJECT } JsonMark;
JsonMark luajson_mark(lua_State *L, int index); /* of any value; never raises */
void luajson_set_mark(lua_State *L, int index, JsonMark mark); /* may raise (memory) */

void luajson_push_null(lua_State *L);
bool luajson_is_null(lua_State *L, int index);

/* The state's own arena and its own cleared buffer, made when first used (that may raise)
 * and owned by it. What they hold is lost at the next use, by anyone. */
JsonArena *luajson_arena(lua_State *L);
Buffer *luajson_scratch(lua_State *L);

#endif
