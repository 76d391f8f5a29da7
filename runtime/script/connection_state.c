/* What a script hears of its connection's states. */
#include <string.h>

#include "script/connection_parts.h"
#include "script/luaerror.h"
#include "script/luajson.h"
#include "script/script.h"

const char *connection_state_name(SocketState state) {
  switch (state) {
  case SOCKET_CONNECTING:
    return "connecting";
  case SOCKET_CONNECTED:
    return "connected";
  case SOCKET_RECONNECTING:
    return "reconnecting";
  default:
    return "closed";
  }
}

typedef struct StateChange {
  const char *state; /* NULL: not pushed */
  const char *reason;
  const SocketInfo *info;
  Runtime *rt;
} StateChange;

static void set_text(lua_State *L, const char *key, const char *text) {
  if (!text || !*text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static void push_info(lua_State *L, const SocketInfo *info) {
  lua_createtable(L, 0, 8);
  set_text(L, "reason", info->reason);
  if (info->code) {
    lua_pushinteger(L, info->code);
    lua_setfield(L, -2, "code");
  }
  if (info->error && info->error->code != ERR_NONE) {
    set_text(L, "detail", info->error->message);
    if (info->code && info->error->code == ERR_CLOSED)
      set_text(L, "close_reason", info->error->detail);
    luaerror_push(L, info->error);
    lua_setfield(L, -2, "error");
  }
  Error ignored;
  if (info->data && luajson_decode(L, info->data, info->data_len, &ignored) == 0)
    lua_setfield(L, -2, "data");
  lua_pushboolean(L, info->will_retry);
  lua_setfield(L, -2, "will_retry");
  if (info->will_retry) {
    lua_pushnumber(L, info->retry_in);
    lua_setfield(L, -2, "retry_in");
  }
  lua_pushboolean(L, info->recovered);
  lua_setfield(L, -2, "recovered");
  lua_pushinteger(L, info->attempt);
  lua_setfield(L, -2, "attempt");
}

static int push_change(lua_State *L, void *ctx) {
  StateChange *change = ctx;
  int n = 1;
  if (change->state) {
    lua_pushstring(L, change->state);
    n++;
  } else if (change->reason) {
    lua_pushstring(L, change->reason);
    n++;
  }
  push_info(L, change->info);
  return n;
}

static int push_error(lua_State *L, void *ctx) {
  const SocketInfo *info = ((StateChange *)ctx)->info;
  Error unknown;
  error_set(&unknown, ERR_CONNECT, "the connection failed");
  luaerror_push(L, info->error && info->error->code ? info->error : &unknown);
  Error ignored;
  if (info->data && luajson_decode(L, info->data, info->data_len, &ignored) == 0)
    lua_setfield(L, -2, "data");
  push_info(L, info);
  return 2;
}

static void fire_reserved(Connection *c, const char *event, TaskPush *push, void *ctx) {
  connection_fire(
      c, LIST_EVENTS,
      &(Firing){.event = event, .len = strlen(event), .push = push, .ctx = ctx});
}

void connection_on_state(void *ctx, SocketState state, const SocketInfo *info) {
  Connection *c = ctx;
  StateChange change = {.state = connection_state_name(state), .info = info};
  c->firing++;
  connection_fire(c, LIST_STATES,
                  &(Firing){.any = true, .push = push_change, .ctx = &change});
  change.state = NULL;
  bool connected = state == SOCKET_CONNECTED;
  c->refused = state == SOCKET_CLOSED && !c->was_connected && info->error &&
               info->error->code != ERR_NONE;
  if (connected && !c->was_connected) fire_reserved(c, "connect", push_change, &change);
  change.reason = info->reason ? info->reason : "";
  if (!connected && c->was_connected)
    fire_reserved(c, "disconnect", push_change, &change);
  c->was_connected = connected;
  connection_leave(c);
}

void connection_on_error(void *ctx, const SocketInfo *info) {
  Connection *c = ctx;
  StateChange change = {.info = info};
  c->firing++;
  fire_reserved(c, "connect_error", push_error, &change);
  connection_leave(c);
}
