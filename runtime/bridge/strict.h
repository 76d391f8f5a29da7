/* Tables of functions in which a name that there is not raises, with the one that was
 * probably meant: modules and methods. A name that there is costs nothing; rawget asks
 * without raising. */
#ifndef TIDELOCK_BRIDGE_STRICT_H
#define TIDELOCK_BRIDGE_STRICT_H

#include <lua.h>

/* The table on top becomes strict: "WHAT has no KIND 'name' (did you mean ...)". What is
 * no table, or has a metatable, stays as it is. */
void strict_make(lua_State *L, const char *what, const char *kind);

#endif
