/* A large JSON text to Lua values in slices, so that others have their turns between two:
 * what luajson_decode and luajson_decode_list do at once. The text is copied, into memory
 * of the state's, and is read inside the coroutine that it is for: nothing is shared with
 * anybody, and it ends with the coroutine. */
#ifndef TIDELOCK_BRIDGE_LUASLICES_H
#define TIDELOCK_BRIDGE_LUASLICES_H

#include "bridge/luadecode.h"

enum { LUASLICES_FROM = 256 << 10 }; /* bytes of text that are worth it */

/* Who is told when the reading is over, once, after luaslices_begin: it has ended, has
 * failed (err: the text cannot be read), or goes on no more. Must not raise. It holds
 * numbers and borrows, and owns nothing: a value that never begins tells nobody, so what
 * it is about is found by its number, and may be gone. */
typedef struct LuaSlicesOver LuaSlicesOver;
struct LuaSlicesOver {
  void (*call)(const LuaSlicesOver *over, const Error *err); /* NULL: nobody is told */
  void *host, *owner;
  uint64_t connection, reader;
};

/* Pushes a text whose reading has not begun: of a list, or (single) of one value. Copies
 * what the list borrows. May raise (memory). */
void luaslices_push(lua_State *L, const LuaJsonList *list, bool single);
void luaslices_tell(lua_State *L, int index, LuaSlicesOver over);
bool luaslices_is(lua_State *L, int index); /* whether the value is one; never raises */

/* Marks the value at `index`, which is the top, to be given up with its function. */
void luaslices_begin(lua_State *L, int index);
/* Reads one slice; whatever it pushes lies above the text at `index`, which is a positive
 * index and was the top at the first call. Returns 0 when there is more; 1 at the end:
 * then the values alone lie above it; -1 with *err, then nothing does. May raise. */
int luaslices_step(lua_State *L, int index, Error *err);

#endif
