/* What stock Lua has and scripts do not: a call of it raises, and says what is out of
 * reach, why, and what there is instead. */
#ifndef TIDELOCK_VM_REACH_H
#define TIDELOCK_VM_REACH_H

#include <lua.h>

/* Puts them where a script would look for them; may raise (memory). */
void reach_open(lua_State *L);
/* Why that name of a library (`""`: a global) is out of reach; NULL: it is not. Static.
 */
const char *reach_why(const char *library, const char *name);

#endif
