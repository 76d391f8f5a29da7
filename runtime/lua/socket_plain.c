/* See socket_plain.h: sending frames, pings, and the reason of a close. */
#include "lua/socket_plain.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/box.h"
#include "bridge/luaencode.h"
#include "bridge/luaerror.h"
#include "bridge/luajson.h"
#include "bridge/luatext.h"
#include "core/suggest.h"
#include "lua/number.h"
#include "lua/options.h"
#include "lua/socket_handle.h"
#include "vm/task_wait.h"
#include "vm/vm.h"

/* --- sending ---------------------------------------------------------------------- */

static int send_frame(lua_State *L, Declaration *decl, bool is_volatile) {
  socket_need(L, decl, "socket:send", GUEST_SENDS);
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
  static const char *const known[] = {"binary", NULL};
  if (options_given(L, 3, "socket:send", known) &&
      lua_getfield(L, 3, "binary") != LUA_TNIL)
    binary = lua_toboolean(L, -1);
  int rc = connection_admit(decl, &err);
  if (rc != 0 && is_volatile) return socket_return(L, 0, NULL);
  if (rc == 0) rc = socket_send(socket, binary, data, len, is_volatile, &err);
  return socket_return(L, rc, &err);
}

/* The events of a plain WebSocket; "gap" comes in scripts that attached to it. */
void socket_warn_event(lua_State *L, const Declaration *decl) {
  static const char *const events[] = {"connect", "disconnect", "connect_error",
                                       "message", "gap",        NULL};
  const ConnectionOptions *options = decl->res ? decl->res->options : decl->options;
  if (!options || options->net.protocol != SOCKET_WEBSOCKET) return;
  if (events[luatext_among(L, 2, events)]) return;
  char shown[LUATEXT_SHOWN];
  Suggestion near;
  luaL_where(L, 1);
  luatext_show(L, 2, shown);
  log_write(vm_of(L)->host->log, LOG_WARN, vm_of(L)->owner->name,
            "%s%s is a plain WebSocket, which has no event \"%s\"%s: it has "
            "connect, disconnect, connect_error and message",
            lua_tostring(L, -1), decl->name, shown, suggest_among(&near, shown, events));
  lua_pop(L, 1);
}

int socket_send_method(lua_State *L) {
  return send_frame(L, socket_check(L), false);
}

int socket_send_volatile(lua_State *L) {
  return send_frame(L, box_check(L, 1, &volatile_kind), true);
}

/* --- pings ------------------------------------------------------------------------ */

#define PING_TIMEOUT 10.0

typedef struct Ping {
  SocketCall call;
  Wait wait;
  Task *task;
  const Error *err; /* while the task is woken */
} Ping;

static int push_pong(lua_State *L, void *ctx) {
  Ping *ping = ctx;
  if (ping->err) return luaerror_return(L, ping->err);
  lua_pushnumber(L, ping->call.took);
  return 1;
}

static void on_pong(SocketCall *call, const SocketData *reply, const Error *err) {
  Ping *ping = CONTAINER_OF(call, Ping, call);
  ping->err = reply ? NULL : err;
  task_wake(ping->task, push_pong, ping);
  free(ping);
}

static int push_dropped(lua_State *L, void *ctx) {
  (void)ctx;
  Error err;
  error_set(&err, ERR_CLOSED, "the connection was closed before the ping was answered");
  return luaerror_return(L, &err);
}

static void on_dropped(SocketCall *call) {
  Ping *ping = CONTAINER_OF(call, Ping, call);
  task_wake_later(ping->task, push_dropped, NULL);
  free(ping);
}

static void cancel_ping(Wait *wait) {
  Ping *ping = CONTAINER_OF(wait, Ping, wait);
  socket_call_cancel(&ping->call);
  free(ping);
}

int socket_ping_method(lua_State *L) {
  Declaration *decl = socket_check(L);
  static const NumberRule rule = {.most = NUMBER_SECONDS, .above = true};
  double timeout = lua_isnoneornil(L, 2)
                       ? PING_TIMEOUT
                       : number_argument(L, 2, &rule, "a timeout is positive seconds");
  Task *task = task_waiter(L, "socket:ping");
  socket_need(L, decl, "socket:ping", GUEST_SENDS);
  Socket *socket = connection_socket(decl);
  if (!socket) return socket_return_closed(L, decl);
  if (!connection_is_plain(decl))
    return luaL_error(L, "ping is for a plain WebSocket; on socket.io the server pings");
  Ping *ping = xcalloc(1, sizeof *ping);
  *ping = (Ping){.call = {.done = on_pong, .dropped = on_dropped},
                 .wait.cancel = cancel_ping,
                 .task = task};
  Error err;
  if (socket_ping(socket, &ping->call, timeout, &err) != 0) {
    free(ping);
    return luaerror_return(L, &err);
  }
  return task_wait(L, task, &ping->wait);
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
  static const NumberRule rule = {.least = 1, .most = 4999, .whole = true};
  const char *words = "a close code is 1000, or 3000 to 4999";
  double code = lua_isnoneornil(L, 2) ? 1000 : number_argument(L, 2, &rule, words);
  const char *reason = luaL_optlstring(L, 3, "", &len);
  luaL_argcheck(L, strlen(reason) == len, 3, "a close reason cannot hold a zero byte");
  if (socket_close(socket, (int)code, reason, &err) != 0)
    luaL_error(L, "disconnect: %s", err.message);
}
