/* Functions of stock Lua that scripts do not have: a call raises an error that says why,
 * and what to use instead. */
#ifndef TIDELOCK_VM_REACH_H
#define TIDELOCK_VM_REACH_H

#include <lua.h>

/* Puts them where a script would look for them; may raise (memory). */
void reach_open(lua_State *L);
/* Why that name of a library (`""`: a global) is out of reach; NULL: it is not. Borrowed
 * for ever. */
const char *reach_why(const char *library, const char *name);

#endif
