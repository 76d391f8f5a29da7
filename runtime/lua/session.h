/* The handle of a session, for the bindings that take one. */
#ifndef TIDELOCK_LUA_SESSION_H
#define TIDELOCK_LUA_SESSION_H

#include "resource/session.h"

/* The session at this index; raises where it is another value, or not shared with this
 * script. NULL: it does not exist (yet). Borrows. */
Session *session_at(lua_State *L, int index);
/* For one that session_at gave: session_check_way. */
int session_check_way_at(lua_State *L, int index, const Route *route, Error *err);

#endif
