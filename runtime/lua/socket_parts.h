/* What the files of tidelock.socket share; nobody else includes it. */
#ifndef TIDELOCK_LUA_SOCKET_PARTS_H
#define TIDELOCK_LUA_SOCKET_PARTS_H

#include <lua.h>

#include "script/box.h"
#include "script/connection.h"

extern const BoxKind socket_kind, volatile_kind; /* boxes on a Declaration */

Declaration *socket_check(lua_State *L); /* the handle at 1; raises */
/* Pushes nil and the error of a handle without a socket. */
int socket_return_closed(lua_State *L, const Declaration *decl);
int socket_return(lua_State *L, int rc, const Error *err); /* true, or nil and err */

/* socket_plain.c: what only a plain WebSocket can do; they raise on others. */
int socket_send_method(lua_State *L);   /* socket:send(data, options) */
int socket_send_volatile(lua_State *L); /* socket.volatile:send(data, options) */
int socket_ping_method(lua_State *L);   /* socket:ping(timeout) */
/* What socket:disconnect does, with its arguments from 2 on; of socket.io, too. */
void socket_say_goodbye(lua_State *L, const Declaration *decl, Socket *socket);

#endif
