/* Pending changes, for the modules of stdlib: functions of tidelock.store.core. */
#ifndef TIDELOCK_LUA_STORE_PENDING_H
#define TIDELOCK_LUA_STORE_PENDING_H

#include <lua.h>

void store_pending_open(lua_State *L); /* adds them to the table on top */

#endif
