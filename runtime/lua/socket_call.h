/* Methods of a socket that wait for the server, or for the connection. */
#ifndef TIDELOCK_LUA_SOCKET_CALL_H
#define TIDELOCK_LUA_SOCKET_CALL_H

#include <lua.h>

void socket_open_timed(lua_State *L);    /* makes the class of timeout's handles */
int socket_call_method(lua_State *L);    /* socket:call(event, ...) */
int socket_wait_method(lua_State *L);    /* socket:wait(seconds) */
int socket_timeout_method(lua_State *L); /* socket:timeout(seconds) */

#endif
