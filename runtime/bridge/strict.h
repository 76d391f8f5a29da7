/* Tables of functions (modules, methods) in which reading an unknown name raises, with
 * the name that was probably meant. A known name costs nothing; rawget does not raise. */
#ifndef TIDELOCK_BRIDGE_STRICT_H
#define TIDELOCK_BRIDGE_STRICT_H

#include <lua.h>

/* The table on top becomes strict: "WHAT has no KIND 'name' (did you mean ...)". Another
 * value, or a table with a metatable, stays as it is. */
void strict_make(lua_State *L, const char *what, const char *kind);

#endif
