/* Handles of tidelock.socket: boxes on a Declaration, and what all bindings on them do
 * with their arguments and results. */
#ifndef TIDELOCK_LUA_SOCKET_HANDLE_H
#define TIDELOCK_LUA_SOCKET_HANDLE_H

#include <lua.h>

#include "bridge/box.h"
#include "bridge/luaencode.h"
#include "resource/connection.h"

extern const BoxKind socket_kind, volatile_kind;

Declaration *socket_check(lua_State *L); /* the handle at 1; raises */
/* Raises unless the script has loaded, and has that right on the connection. `what` is
 * the function as the script calls it. */
void socket_need(lua_State *L, const Declaration *decl, const char *what,
                 GuestRights need);
/* Encodes the event name at 2 and the arguments behind it; raises where one cannot be.
 * The result borrows from the arguments and from the state's scratch buffer. */
SocketData socket_encode(lua_State *L, const char *what, LuaBinaries *binaries);
/* Pushes nil and the error of a handle without a socket. */
int socket_return_closed(lua_State *L, const Declaration *decl);
int socket_return(lua_State *L, int rc, const Error *err); /* true, or nil and err */

#endif
