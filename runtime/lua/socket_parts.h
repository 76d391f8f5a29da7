/* What the files of tidelock.socket share; nobody else includes it. */
#ifndef TIDELOCK_LUA_SOCKET_PARTS_H
#define TIDELOCK_LUA_SOCKET_PARTS_H

#include <lua.h>

#include "bridge/box.h"
#include "bridge/luaencode.h"
#include "resource/connection.h"

extern const BoxKind socket_kind, volatile_kind; /* boxes on a Declaration */

Declaration *socket_check(lua_State *L); /* the handle at 1; raises */
/* The script has loaded, and may do that with the connection; raises. `what` is the
 * function as the script calls it. */
void socket_need(lua_State *L, const Declaration *decl, const char *what,
                 GuestRights need);
/* Encodes the event name at 2 and the arguments behind it; raises on what cannot go. What
 * it gives borrows from the arguments and from the state's scratch buffer. */
SocketData socket_encode(lua_State *L, const char *what, LuaBinaries *binaries);
/* Pushes nil and the error of a handle without a socket. */
int socket_return_closed(lua_State *L, const Declaration *decl);
int socket_return(lua_State *L, int rc, const Error *err); /* true, or nil and err */

/* socket_call.c: what waits for the server, or the connection. */
void socket_open_timed(lua_State *L);    /* makes the class of timeout's handles */
int socket_call_method(lua_State *L);    /* socket:call(event, ...) */
int socket_wait_method(lua_State *L);    /* socket:wait(seconds) */
int socket_timeout_method(lua_State *L); /* socket:timeout(seconds) */

/* socket_plain.c: warns where the event named at 2 is none that a plain WebSocket has,
 * and decl is one. */
void socket_warn_event(lua_State *L, const Declaration *decl);
/* What only a plain WebSocket can do; they raise on others. */
int socket_send_method(lua_State *L);   /* socket:send(data, options) */
int socket_send_volatile(lua_State *L); /* socket.volatile:send(data, options) */
int socket_ping_method(lua_State *L);   /* socket:ping(timeout) */
/* What socket:disconnect does, with its arguments from 2 on; of socket.io, too. */
void socket_say_goodbye(lua_State *L, const Declaration *decl, Socket *socket);

#endif
