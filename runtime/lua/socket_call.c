/* See socket_call.h. A call ends with its ack; timeout sets how long a call waits. Every
 * argument of a call is payload. */
#include "lua/socket_call.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "bridge/box.h"
#include "bridge/luadecode.h"
#include "bridge/luaencode.h"
#include "bridge/luaerror.h"
#include "bridge/luaslices.h"
#include "lua/number.h"
#include "lua/options.h"
#include "lua/socket_handle.h"
#include "vm/task_wait.h"
#include "vm/vm.h"

/* --- calling ---------------------------------------------------------------------- */

typedef struct Call {
  SocketCall call;
  Wait wait;
  Task *task;
  const SocketData *reply; /* while the task is woken */
  const Error *err;
} Call;

/* A large one is read in slices once the task runs. */
static int push_reply(lua_State *L, void *ctx) {
  Call *call = ctx;
  Error err;
  const SocketData *reply = call->reply;
  if (!reply) return luaerror_return(L, call->err);
  LuaJsonList list = {reply->json, reply->len, 0, reply->bytes, reply->count, false};
  if (reply->len >= LUASLICES_FROM) {
    luaslices_push(L, &list, false);
    return 1;
  }
  int n = luajson_decode_list(L, &list, &err);
  if (n < 0) return luaerror_return(L, &err);
  if (n == 0) lua_pushboolean(L, 1);
  return n ? n : 1;
}

static void on_done(SocketCall *socket_call_, const SocketData *reply, const Error *err) {
  Call *call = CONTAINER_OF(socket_call_, Call, call);
  call->reply = reply;
  call->err = err;
  task_wake(call->task, push_reply, call);
  free(call);
}

static int push_dropped(lua_State *L, void *sent) {
  Error err;
  error_set(&err, ERR_CLOSED, "the connection was closed before the %s",
            sent ? "server acknowledged the call" : "call was sent");
  err.sent = sent ? SENT_UNKNOWN : SENT_NO;
  return luaerror_return(L, &err);
}

/* The connection was closed or reopened before the ack. */
static void on_dropped(SocketCall *socket_call_) {
  Call *call = CONTAINER_OF(socket_call_, Call, call);
  task_wake_later(call->task, push_dropped, call->call.sent ? call->task : NULL);
  free(call);
}

static void cancel_call(Wait *wait) {
  Call *call = CONTAINER_OF(wait, Call, wait);
  socket_call_cancel(&call->call);
  free(call);
}

/* Calls with the event at 2 and the arguments behind it; timeout 0: none was given. */
static int call_server(lua_State *L, Declaration *decl, double timeout) {
  Task *task = task_waiter(L, "socket:call");
  socket_need(L, decl, "socket:call", GUEST_SENDS);
  Socket *socket = connection_socket(decl);
  if (!socket) return socket_return_closed(L, decl);
  if (connection_is_plain(decl)) return luaL_error(L, "call is for socket.io");
  if (timeout == 0) timeout = connection_call_timeout(decl);
  LuaBinaries binaries;
  SocketData data = socket_encode(L, "call", &binaries);
  Call *call = xcalloc(1, sizeof *call);
  *call = (Call){.call = {.done = on_done, .dropped = on_dropped},
                 .wait.cancel = cancel_call,
                 .task = task};
  Error err;
  if (connection_admit(decl, &err) != 0 ||
      socket_call(socket, &call->call, &data, timeout, &err) != 0) {
    free(call);
    return luaerror_return(L, &err);
  }
  connection_outgoing(decl, &data);
  return task_wait(L, task, &call->wait);
}

int socket_call_method(lua_State *L) {
  return call_server(L, socket_check(L), 0);
}

/* wait(seconds?): until it is connected. */
int socket_wait_method(lua_State *L) {
  Declaration *decl = socket_check(L);
  static const NumberRule rule = {.most = NUMBER_SECONDS, .huge = true};
  bool given = !lua_isnoneornil(L, 2);
  double seconds = given ? number_argument(L, 2, &rule, "seconds, 0 or more") : -1;
  options_none(L, 3, "socket:wait");
  Task *task = task_waiter(L, "socket:wait");
  socket_need(L, decl, "socket:wait", GUEST_HEARS);
  return connection_wait(L, decl, task, seconds);
}

/* --- timeout ---------------------------------------------------------------------- */

/* A box on a Declaration whose user value is the seconds. */
static const BoxKind timed_kind = {"socket with a timeout", NULL};

static int f_call_timed(lua_State *L) {
  Declaration *decl = box_check(L, 1, &timed_kind);
  lua_getiuservalue(L, 1, 1);
  double timeout = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return call_server(L, decl, timeout);
}

int socket_timeout_method(lua_State *L) {
  Declaration *decl = socket_check(L);
  static const NumberRule rule = {.most = NUMBER_SECONDS, .above = true, .huge = true};
  double seconds = number_argument(L, 2, &rule, "a timeout is positive seconds");
  options_none(L, 3, "socket:timeout");
  Box *box = box_new(L, &timed_kind);
  lua_pushnumber(L, seconds);
  lua_setiuservalue(L, -2, 1);
  box_refer(box, decl, &decl->boxes);
  return 1;
}

static int f_index_timed(lua_State *L) {
  lua_settop(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
    return luaL_error(L, "a socket with a timeout has call, and nothing else");
  return 1;
}

void socket_open_timed(lua_State *L) {
  static const luaL_Reg methods[] = {{"call", f_call_timed}, {NULL, NULL}};
  box_class(L, &timed_kind, methods, f_index_timed);
}
