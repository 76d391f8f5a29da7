/* Tables of options that scripts pass: an unknown name raises, with the one that was
 * probably meant. For bindings and for stdlib. */
#ifndef TIDELOCK_LUA_OPTIONS_H
#define TIDELOCK_LUA_OPTIONS_H

#include <lua.h>
#include <stdbool.h>

#include "core/suggest.h"

/* Raises unless the names in the table at `index` are among `known`, which ends with
 * NULL. `what` is the function as the script calls it. */
void options_check(lua_State *L, int index, const char *what, const char *const *known);
/* The same for an argument that may be absent or nil: then false. */
bool options_given(lua_State *L, int index, const char *what, const char *const *known);
/* The function takes no options: an argument at `index` raises. */
void options_none(lua_State *L, int index, const char *what);

/* Raises: there is no option of that name; with the one that was probably meant. */
int options_refuse(lua_State *L, int level, const char *what, const char *name,
                   Suggestion *near);

/* Raises as luaL_error does, but at a line that is further out: 1 is the line that called
 * the binding, 2 the line that called the function of stdlib around it. */
int options_raise(lua_State *L, int level, const char *fmt, ...);

#endif
