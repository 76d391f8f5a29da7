/* What a mutation may not call (need_pure in vm.h), of Lua's own libraries: what gives
 * another result each time. */
#ifndef TIDELOCK_VM_PURE_H
#define TIDELOCK_VM_PURE_H

#include <lua.h>

/* Puts guarded functions in the place of these, in a state whose libraries are open. */
void pure_open(lua_State *L);

#endif
