/* Lines of the script's: what stdlib's modules raise and start is told with the line that
 * called them, not with theirs. */
#ifndef TIDELOCK_BRIDGE_PLACE_H
#define TIDELOCK_BRIDGE_PLACE_H

#include <lua.h>

/* Raises as luaL_error does, with the innermost line that is not stdlib's. */
int place_raise(lua_State *L, const char *fmt, ...);
/* Where the function below nargs arguments is written; where that is in stdlib, the first
 * of its arguments that is a function written elsewhere. */
void place_find_function(lua_State *L, int nargs, lua_Debug *where);

#endif
