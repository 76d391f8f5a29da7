/* tidelock.socket: what only a plain WebSocket can do: send frames, and say why it is
 * closed. */
#include <lauxlib.h>
#include <string.h>

#include "lua/socket_parts.h"
#include "script/luaerror.h"
#include "script/luajson.h"
#include "script/script.h"

/* --- sending ---------------------------------------------------------------------- */

static int send_frame(lua_State *L, Declaration *decl, bool is_volatile) {
  need_loaded(L, "socket:send");
  Socket *socket = connection_socket(decl);
  if (!socket) return socket_return_closed(L, decl);
  if (!connection_is_plain(decl))
    return luaL_error(L, "send is for a plain WebSocket; on socket.io use emit");
  Frames frames = connection_frames(decl);
  size_t len;
  const char *data;
  Error err;
  if (frames == FRAMES_JSON) {
    Buffer *out = luajson_scratch(L);
    luaL_checkany(L, 2);
    if (luajson_encode(L, 2, out, &err) != 0)
      return luaL_error(L, "send: %s", err.message);
    data = out->data;
    len = out->len;
  } else {
    data = luaL_checklstring(L, 2, &len);
  }
  bool binary = frames == FRAMES_BINARY;
  if (lua_istable(L, 3)) {
    if (lua_getfield(L, 3, "binary") != LUA_TNIL) binary = lua_toboolean(L, -1);
  }
  return socket_return(L, socket_send(socket, binary, data, len, is_volatile, &err),
                       &err);
}

int socket_send_method(lua_State *L) {
  return send_frame(L, socket_check(L), false);
}

int socket_send_volatile(lua_State *L) {
  return send_frame(L, box_check(L, 1, &volatile_kind), true);
}

/* --- leaving ---------------------------------------------------------------------- */

/* disconnect(code, reason), each of which may be nil. */
void socket_say_goodbye(lua_State *L, const Declaration *decl, Socket *socket) {
  Error err;
  size_t len = 0;
  if (!connection_is_plain(decl)) {
    if (!lua_isnoneornil(L, 2) || !lua_isnoneornil(L, 3))
      luaL_error(L, "disconnect: a code and a reason are for a plain WebSocket");
    socket_disconnect(socket);
    return;
  }
  lua_Integer code = luaL_optinteger(L, 2, 1000);
  const char *reason = luaL_optlstring(L, 3, "", &len);
  luaL_argcheck(L, strlen(reason) == len, 3, "a close reason cannot hold a NUL byte");
  luaL_argcheck(L, code > 0 && code < 5000, 2, "a close code is 1000, or 3000 to 4999");
  if (socket_close(socket, (int)code, reason, &err) != 0)
    luaL_error(L, "disconnect: %s", err.message);
}
