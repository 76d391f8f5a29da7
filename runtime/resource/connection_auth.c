/* Auth may wait: the question is a task of the owner's, and its answer goes to the socket
 * that asked, if that still exists. A generation that is replaced meanwhile may still
 * answer within its grace; if it does not, the new one is asked instead. */
#include <lauxlib.h>
#include <stdlib.h>

#include "resource/connection_auth.h"
#include "resource/connection_fire.h"
#include "resource/connection_session.h"
#include "resource/resource.h"
#include "bridge/luaerror.h"
#include "bridge/luaencode.h"

struct AuthAsk {
  Connection *connection; /* NULL: it is gone, or asks anew */
  Vm *vm;                 /* who was asked */
  int ref;
  bool session; /* it is one that is waited for */
  int64_t refused;
};

void connection_forget_ask(Connection *c) {
  if (c->ask) c->ask->connection = NULL;
  c->ask = NULL;
}

static void answer_auth(Connection *c, lua_State *L, int index) {
  Error err;
  Buffer json = {0};
  if (lua_isnil(L, index)) {
    socket_auth(c->socket, NULL, 0);
  } else if (!lua_istable(L, index)) {
    error_set(&err, ERR_INVALID, "auth must give a table, not a %s",
              luaL_typename(L, index));
    socket_auth_failed(c->socket, &err);
  } else if (luajson_encode(L, index, &json, &err) != 0) {
    socket_auth_failed(c->socket, &err);
  } else {
    socket_auth(c->socket, json.data, json.len);
  }
  buffer_free(&json);
}

static bool has_live_owner(const Connection *c) {
  const Declaration *owner = c->res->decls;
  return owner && !owner->attached && declaration_live(owner) &&
         !owner->vm->host->stopping;
}

static void set_unanswered(const Connection *c, TaskOutcome outcome, Error *err) {
  const char *name = c->res->name;
  if (outcome == TASK_FAILED)
    error_set(err, ERR_SCRIPT, "auth of %s failed: see the log", name);
  else if (outcome == TASK_NOT_BEGUN)
    error_set(err, ERR_MEMORY, "auth of %s: no memory for a task", name);
  else
    error_set(err, ERR_CANCELLED,
              "auth of %s was given up for a new generation of the script", name);
}

static void auth_done(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  AuthAsk *ask = ctx;
  Connection *c = ask->connection;
  bool replaced = ask->vm->state != VM_LIVE, session = ask->session;
  Error err;
  if (c) c->ask = NULL;
  free(ask);
  if (!c) return;
  if (outcome != TASK_OK && replaced && has_live_owner(c)) {
    connection_on_auth(c); /* who was asked is cut off: the new generation knows */
  } else if (outcome != TASK_OK) {
    set_unanswered(c, outcome, &err);
    socket_auth_failed(c->socket, &err);
  } else if (n >= 2 && lua_isnil(co, -n) && !lua_isnil(co, -n + 1)) {
    luaerror_read(co, -n + 1, &err);
    if (session) connection_session_answer(c, &err);
    else socket_auth_failed(c->socket, &err);
  } else if (session) {
    connection_session_answer(c, NULL);
  } else if (n == 0) {
    socket_auth(c->socket, NULL, 0);
  } else {
    answer_auth(c, co, lua_gettop(co) - n + 1);
  }
}

static int push_auth(lua_State *L, void *ctx) {
  const AuthAsk *ask = ctx;
  if (ask->session) lua_pushcfunction(L, connection_f_session);
  lua_rawgeti(L, LUA_REGISTRYINDEX, ask->ref);
  if (!ask->session) return 0;
  lua_pushinteger(L, ask->refused);
  return 2;
}

static void ask_script(Connection *c, Declaration *decl, bool session) {
  AuthAsk *ask = xcalloc(1, sizeof *ask);
  *ask = (AuthAsk){c, decl->vm, decl->functions[CONNECTION_AUTH], session, 0};
  if (session) ask->refused = connection_session_ask(c);
  c->ask = ask;
  task_start(decl->vm, TASK_NAME("the auth of", c->res->name), push_auth, ask, auth_done,
             ask);
}

void connection_on_auth(void *ctx) {
  Connection *c = ctx;
  connection_forget_ask(c);
  Declaration *decl = c->res->decls;
  if (!decl || decl->attached || decl->functions[CONNECTION_AUTH] == LUA_NOREF) {
    socket_auth(c->socket, NULL, 0);
    return;
  }
  lua_State *L = decl->vm->L;
  int type = lua_rawgeti(L, LUA_REGISTRYINDEX, decl->functions[CONNECTION_AUTH]);
  if (type == LUA_TTABLE) answer_auth(c, L, lua_gettop(L));
  lua_pop(L, 1);
  if (type != LUA_TTABLE) ask_script(c, decl, type == LUA_TUSERDATA);
}
