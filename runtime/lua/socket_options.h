/* Reads the options table of socket.connect. */
#ifndef TIDELOCK_LUA_SOCKET_OPTIONS_H
#define TIDELOCK_LUA_SOCKET_OPTIONS_H

#include <lua.h>

#include "resource/connection.h"

/* Returns new options read from the table at `index`; raises on what is unknown or wrong.
 * The auth function or table, if any, is left to the caller: field "auth". */
ConnectionOptions *socket_options_read(lua_State *L, int index);

#endif
