/* Functions of the string and table libraries that may run for ever inside C, where no
 * hook sees them: made anew so that they look at the CPU limit. They do what Lua's own
 * do; those of table know drafts too. */
#ifndef TIDELOCK_SCRIPT_BOUNDED_H
#define TIDELOCK_SCRIPT_BOUNDED_H

#include <lua.h>

void bounded_open(lua_State *L); /* replaces them in both libraries; may raise */

/* pattern.c */
int f_find(lua_State *L);
int f_match(lua_State *L);
int f_gmatch(lua_State *L);
int f_gsub(lua_State *L);

#endif
