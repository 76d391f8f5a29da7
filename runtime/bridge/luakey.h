/* Lua values as keys of a cache: core/value_key.h. Tables, views and drafts are read like
 * values of a store. */
#ifndef TIDELOCK_BRIDGE_LUAKEY_H
#define TIDELOCK_BRIDGE_LUAKEY_H

#include <lua.h>

#include "core/value.h"

enum { LUAKEY_SHORT = 256 };

typedef struct LuaKey {
  const char *bytes; /* in `room`, or the state's scratch buffer: see luajson_scratch */
  size_t len;
  char room[LUAKEY_SHORT];
} LuaKey;

/* Reads the value at `index` as a key. INVALID with the path to a function, NaN, a hole,
 * a wrong key, or a table that contains itself; nil and null are none; TOO_LARGE. May
 * raise (memory). */
int luakey_read(lua_State *L, int index, LuaKey *key, Error *err);
/* Pushes the value of a key as plain tables; nil where the bytes are none. The account is
 * for the moment. May raise. */
void luakey_push(lua_State *L, ValueAccount *account, const char *bytes, size_t len);

#endif
