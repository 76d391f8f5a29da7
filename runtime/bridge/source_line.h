/* Lines of the script's own sources: an error that a module of stdlib raises, and a task
 * that it starts, are reported with the line that called the module. */
#ifndef TIDELOCK_BRIDGE_SOURCE_LINE_H
#define TIDELOCK_BRIDGE_SOURCE_LINE_H

#include <lua.h>

/* Raises as luaL_error does, with the innermost line that is not stdlib's. */
int source_line_raise(lua_State *L, const char *fmt, ...);
/* Where the function below nargs arguments is written; where that is in stdlib, the first
 * of its arguments that is a function written elsewhere. */
void source_line_of_function(lua_State *L, int nargs, lua_Debug *where);

#endif
