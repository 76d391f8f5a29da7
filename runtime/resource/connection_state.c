/* What a script hears of its connection's states. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net_url.h"
#include "resource/connection_state.h"
#include "resource/connection_auth.h"
#include "resource/connection_fire.h"
#include "resource/connection_session.h"
#include "resource/connection_wait.h"
#include "resource/resource.h"
#include "bridge/luaerror.h"
#include "bridge/luadecode.h"
#include "vm/vm.h"

typedef struct StateReport {
  const char *state; /* NULL: not pushed */
  const char *reason;
  const SocketInfo *info;
  const char *words; /* of a failure; NULL: it is none */
} StateReport;

static void set_text(lua_State *L, const char *key, const char *text) {
  if (!text || !*text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static void push_info(lua_State *L, const StateReport *change) {
  const SocketInfo *info = change->info;
  lua_createtable(L, 0, 10);
  set_text(L, "message", change->words);
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
  lua_pushboolean(L, info->will_reconnect);
  lua_setfield(L, -2, "will_retry");
  if (info->will_reconnect) {
    lua_pushnumber(L, info->reconnect_in);
    lua_setfield(L, -2, "retry_in");
  }
  lua_pushboolean(L, info->recovered);
  lua_setfield(L, -2, "recovered");
  lua_pushinteger(L, info->attempt);
  lua_setfield(L, -2, "attempt");
}

static int push_change(lua_State *L, void *ctx) {
  StateReport *change = ctx;
  int n = 1;
  if (change->state) {
    lua_pushstring(L, change->state);
    n++;
  } else if (change->reason) {
    lua_pushstring(L, change->reason);
    n++;
  }
  push_info(L, change);
  return n;
}

static int push_error(lua_State *L, void *ctx) {
  const StateReport *change = ctx;
  const SocketInfo *info = change->info;
  Error unknown;
  error_set(&unknown, ERR_CONNECT, "the connection failed");
  luaerror_push(L, info->error && info->error->code ? info->error : &unknown);
  Error ignored;
  if (info->data && luajson_decode(L, info->data, info->data_len, &ignored) == 0)
    lua_setfield(L, -2, "data");
  push_info(L, change);
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

/* Returns new: whose, what, where, why, and what comes next. */
static char *describe_failure(const Connection *c, const SocketInfo *info) {
  char url[NET_URL_SHOWN], then[64] = "not tried again (connect() does)";
  if (info->will_reconnect)
    snprintf(then, sizeof then, "trying again in %.1f s", info->reconnect_in);
  net_url_show(((ConnectionOptions *)c->res->options)->net.url, url);
  return xasprintf("%s: %s %s: %s; %s", c->res->name,
                   c->was_connected ? "lost the connection to" : "cannot connect to", url,
                   c->failure, then);
}

/* Once for each time that it fails, until it is connected again or over. */
static void log_failure(Connection *c, const char *words, bool will_reconnect) {
  const Resource *res = c->res;
  if (will_reconnect && c->failure_logged) return;
  c->failure_logged = true;
  log_write(res->owner->host->log, will_reconnect ? LOG_WARN : LOG_ERROR,
            res->owner->name, "%s", words);
}

/* Returns new: the failure, for the handlers. */
static char *log_failed(Connection *c, const SocketInfo *info, bool logged) {
  note_failure(c, info);
  char *words = describe_failure(c, info);
  if (logged) log_failure(c, words, info->will_reconnect);
  return words;
}

/* A failed attempt is logged when it fails; here: what was lost, and what is over.
 * Returns new: the words of a failure, or NULL. */
static char *log_state(Connection *c, SocketState state, const SocketInfo *info) {
  const Resource *res = c->res;
  if (state == SOCKET_CONNECTED) {
    if (c->failure_logged)
      log_write(res->owner->host->log, LOG_INFO, res->owner->name, "%s: connected again",
                res->name);
    c->failure_logged = false;
    c->failed = ERR_NONE;
    free(c->failure);
    c->failure = NULL;
    connection_session_joined(c);
  } else if (state == SOCKET_RECONNECTING || state == SOCKET_CLOSED) {
    return log_failed(c, info, state == SOCKET_CLOSED || c->was_connected);
  }
  return NULL;
}

/* --- to scripts ------------------------------------------------------------------- */

void connection_on_state(void *ctx, SocketState state, const SocketInfo *info) {
  Connection *c = ctx;
  char *words = log_state(c, state, info);
  StateReport change = {
      .state = connection_state_name(state), .info = info, .words = words};
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
  free(words);
  connection_wake_waiters(c, info);
  connection_unref(c);
}

void connection_on_error(void *ctx, const SocketInfo *info) {
  Connection *c = ctx;
  char *words = log_failed(c, info, info->will_reconnect);
  StateReport change = {.info = info, .words = words};
  c->firing++;
  fire_reserved(c, "connect_error", push_error, &change);
  free(words);
  connection_unref(c);
}
