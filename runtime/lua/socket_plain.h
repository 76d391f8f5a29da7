/* Methods that only a plain WebSocket has; they raise on others. */
#ifndef TIDELOCK_LUA_SOCKET_PLAIN_H
#define TIDELOCK_LUA_SOCKET_PLAIN_H

#include <lua.h>

#include "resource/connection.h"

int socket_send_method(lua_State *L);   /* socket:send(data, options) */
int socket_send_volatile(lua_State *L); /* socket.volatile:send(data, options) */
int socket_ping_method(lua_State *L);   /* socket:ping(timeout) */

/* Warns where decl is a plain WebSocket, and has no event of the name at 2. */
void socket_warn_event(lua_State *L, const Declaration *decl);
/* socket:disconnect, of a plain WebSocket or not; its arguments are from 2 on. */
void socket_say_goodbye(lua_State *L, const Declaration *decl, Socket *socket);

#endif
