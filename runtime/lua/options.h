/* Tables of options that scripts give: a name that there is not raises, with the one that
 * was probably meant. The one place that does so, for bindings and for stdlib. */
#ifndef TIDELOCK_LUA_OPTIONS_H
#define TIDELOCK_LUA_OPTIONS_H

#include <lua.h>
#include <stdbool.h>

/* The table at `index` may have these names, a list that ends with NULL. `what` is the
 * function as the script calls it. */
void options_check(lua_State *L, int index, const char *what, const char *const *known);
/* The same of an argument that may be absent or nil; false then. */
bool options_given(lua_State *L, int index, const char *what, const char *const *known);
/* The function takes no options: an argument at `index` raises. */
void options_none(lua_State *L, int index, const char *what);

/* Raises as luaL_error does, but at a line that is further out: 1 is the line that called
 * the binding, 2 the line that called the function of stdlib around it. */
int options_raise(lua_State *L, int level, const char *fmt, ...);

#endif
