/* A cache of the names in JSON objects, as Lua strings: messages have the same names
 * again and again, and making a Lua string costs a step for each byte and a lookup in the
 * table of all strings. One for each state, owned by it, made when first used.
 *
 * It holds the names seen last, short ones only, in 6 KB. It also remembers how large
 * objects were, as a table that grows costs more than one that does not. */
#ifndef TIDELOCK_BRIDGE_LUAKEYS_H
#define TIDELOCK_BRIDGE_LUAKEYS_H

#include <lua.h>
#include <stdint.h>

typedef struct LuaKeys LuaKeys;

/* Pushes one value, the strings, which stay on the stack while the result is in use.
 * Borrows from the state. May raise (memory). */
LuaKeys *luakeys_open(lua_State *L);

/* Pushes a name; `strings` is where luakeys_open put them. Returns a number that tells
 * it from most others. May raise (memory). */
unsigned luakeys_push(lua_State *L, LuaKeys *keys, int strings, const char *name,
                      size_t len);

/* Where to keep how many members an object has that is the member `within` of another
 * (the number of its name; 0: none) and begins with this name: those of the last one. */
uint8_t *luakeys_room(LuaKeys *keys, unsigned within, const char *name, size_t len);

#endif
