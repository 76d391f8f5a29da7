/* What a script hears of its connection's states. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net_url.h"
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

/* --- in the log ------------------------------------------------------------------- */

static void note_failure(Connection *c, const SocketInfo *info) {
  bool known = info->error && info->error->code;
  c->failed = known ? info->error->code : ERR_CLOSED;
  free(c->failure);
  c->failure = known ? xasprintf("%s: %s", error_name(c->failed), info->error->message)
                     : xstrdup(info->reason);
}

/* Once for each time that it fails, until it is connected again or over. */
static void log_failure(Connection *c, const char *what, const SocketInfo *info) {
  const Resource *res = c->res;
  char url[NET_URL_SHOWN], then[64] = "not tried again (connect() does)";
  if (info->will_retry && c->told) return;
  c->told = true;
  if (info->will_retry)
    snprintf(then, sizeof then, "trying again in %.1f s", info->retry_in);
  net_url_show(((ConnectionOptions *)res->options)->net.url, url);
  log_write(res->owner->rt->log, info->will_retry ? LOG_WARN : LOG_ERROR,
            res->owner->name, "%s: %s %s: %s; %s", res->name, what, url, c->failure,
            then);
}

/* A failed attempt is logged when it fails; here: what was lost, and what is over. */
static void log_state(Connection *c, SocketState state, const SocketInfo *info) {
  const Resource *res = c->res;
  if (state == SOCKET_CONNECTED) {
    if (c->told)
      log_write(res->owner->rt->log, LOG_INFO, res->owner->name, "%s: connected again",
                res->name);
    c->told = false;
    c->failed = ERR_NONE;
    free(c->failure);
    c->failure = NULL;
  } else if (state == SOCKET_RECONNECTING && c->was_connected) {
    note_failure(c, info);
    log_failure(c, "lost the connection to", info);
  } else if (state == SOCKET_CLOSED) {
    note_failure(c, info);
    log_failure(c, c->was_connected ? "lost the connection to" : "cannot connect to",
                info);
  }
}

/* --- to scripts ------------------------------------------------------------------- */

void connection_on_state(void *ctx, SocketState state, const SocketInfo *info) {
  Connection *c = ctx;
  log_state(c, state, info);
  StateChange change = {.state = connection_state_name(state), .info = info};
  c->firing++;
  connection_fire(c, LIST_STATES,
                  &(Firing){.any = true, .push = push_change, .ctx = &change});
  change.state = NULL;
  bool connected = state == SOCKET_CONNECTED;
  if (state != SOCKET_IDLE) /* to leave what was refused is not to be let in */
    c->refused = state == SOCKET_CLOSED && !c->was_connected && info->error &&
                 info->error->code != ERR_NONE;
  if (connected && !c->was_connected) fire_reserved(c, "connect", push_change, &change);
  change.reason = info->reason ? info->reason : "";
  if (!connected && c->was_connected)
    fire_reserved(c, "disconnect", push_change, &change);
  c->was_connected = connected;
  connection_tell_waiters(c, info);
  connection_leave(c);
}

void connection_on_error(void *ctx, const SocketInfo *info) {
  Connection *c = ctx;
  StateChange change = {.info = info};
  note_failure(c, info);
  if (info->will_retry) log_failure(c, "cannot connect to", info);
  c->firing++;
  fire_reserved(c, "connect_error", push_error, &change);
  connection_leave(c);
}
