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

/* Pushes the table of strings, which stays on the stack while the result is in use.
 * Borrows from the state. May raise (memory). */
LuaKeys *luakeys_open(lua_State *L);

/* Pushes a name; `strings` is the stack index that luakeys_open pushed to. Returns a
 * number that differs from those of most other names. May raise (memory). */
unsigned luakeys_push(lua_State *L, LuaKeys *keys, int strings, const char *name,
                      size_t len);

/* The count of members of the last object that was the member `within` (the number of its
 * name; 0: none) of another, and began with this name. To be read and set. */
uint8_t *luakeys_room(LuaKeys *keys, unsigned within, const char *name, size_t len);

#endif
