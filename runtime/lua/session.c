/* tidelock.session.core: see stdlib/session.lua, which checks options and runs the
 * functions for login and logout. No function here gives a token to a script that only
 * attached. */
#include "lua/session.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/luadecode.h"
#include "bridge/luaencode.h"
#include "bridge/luaerror.h"
#include "data/session_file.h"
#include "lua/modules.h"
#include "resource/declare.h"
#include "resource/session_wait.h"

static Declaration *check_decl(lua_State *L, int index) {
  return box_check(L, index, &session_box);
}

Session *session_at(lua_State *L, int index) {
  Declaration *decl = check_decl(L, index);
  if (decl->res && decl->attached && session_kind.withheld(decl))
    luaL_error(L, "the session %s is not shared: its owner has to say share = \"use\"",
               decl->name);
  return session_of(decl);
}

int session_check_way_at(lua_State *L, int index, const Route *route, Error *err) {
  return session_check_way(check_decl(L, index), route, err);
}

static int push_missing(lua_State *L, const Declaration *decl) {
  Error err;
  error_set(&err, ERR_NOT_FOUND, "there is no session %s", decl->name);
  err.sent = SENT_NO;
  return luaerror_return(L, &err);
}

static void check_owner(lua_State *L, const char *what) {
  if (check_decl(L, 1)->attached)
    luaL_error(L, "%s is for the script that defines the session", what);
}

/* --- declaring -------------------------------------------------------------------- */

static void read_origins(lua_State *L, int t, SessionOptions *o) {
  lua_getfield(L, t, "origins");
  size_t count = lua_rawlen(L, -1);
  o->origins = xcalloc(count + 1, sizeof *o->origins);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    o->origins[o->count++] = xstrdup(lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Of a table that stdlib/session.lua has made: nothing raises. */
static SessionOptions *read_options(lua_State *L, int t) {
  SessionOptions *o = xcalloc(1, sizeof *o);
  lua_getfield(L, t, "remember");
  o->remember = lua_toboolean(L, -1);
  lua_getfield(L, t, "shared");
  o->shared = lua_toboolean(L, -1);
  lua_getfield(L, t, "account");
  o->account = xstrdup(lua_tostring(L, -1));
  lua_pop(L, 3);
  read_origins(L, t, o);
  return o;
}

/* define(name, options, refresh | nil) */
static int f_define(lua_State *L) {
  Error err;
  const char *name = declared_name(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 3);
  need_declaring(L, "session.define");
  Box *box = box_new(L, &session_box);
  int refresh = LUA_NOREF;
  if (!lua_isnil(L, 3)) {
    lua_pushvalue(L, 3);
    refresh = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  Declaration *decl =
      declare_with(L, &session_kind, name, read_options(L, 2), &refresh, 1, &err);
  if (!decl) return luaL_error(L, "%s", err.message);
  box_refer(box, decl, &decl->boxes);
  return 1;
}

static int f_attach(lua_State *L) {
  const char *target = declared_name(L, 1);
  need_declaring(L, "session.attach");
  Box *box = box_new(L, &session_box);
  Declaration *decl = declare_attached(L, &session_kind, target);
  box_refer(box, decl, &decl->boxes);
  return 1;
}

/* origin(url) → "https://example.org" | nil */
static int f_origin(lua_State *L) {
  char *origin = session_origin(luaL_checkstring(L, 1));
  lua_pushstring(L, origin);
  free(origin);
  return 1;
}

/* learn(session, url) */
static int f_learn(lua_State *L) {
  Declaration *decl = check_decl(L, 1);
  char *origin = session_origin(luaL_checkstring(L, 2));
  if (origin) session_learn(decl, origin);
  free(origin);
  return 0;
}

/* --- looking ---------------------------------------------------------------------- */

static int f_state(lua_State *L) {
  Session *s = session_at(L, 1);
  session_push(L, s);
  return 1;
}

static int f_on_change(lua_State *L) {
  Declaration *decl = check_decl(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  need_declaring(L, "session:on_change");
  handler_add(L, &decl->handlers, 2,
              (HandlerOptions){.event = "change", .len = strlen("change")});
  return 1;
}

static int ask(lua_State *L, SessionAsk what, int64_t serial) {
  Session *s = session_at(L, 1);
  return s ? session_ask(L, s, what, serial) : push_missing(L, check_decl(L, 1));
}

/* token(session) → text | nil, err. Waits. */
static int f_token(lua_State *L) {
  check_owner(L, "session:token");
  return ask(L, SESSION_TOKEN, 0);
}

/* ready(session) → true | nil, err. Waits. */
static int f_ready(lua_State *L) {
  return ask(L, SESSION_READY, 0);
}

/* refused(session, serial) → whether there is another token now. Waits. */
static int f_refused(lua_State *L) {
  return ask(L, SESSION_REFUSED, luaL_checkinteger(L, 2));
}

/* --- login and logout ------------------------------------------------------------- */

/* The owner's session, which the task that runs may wait for; NULL: an error is pushed.
 */
static Session *own_session(lua_State *L, const char *what, Task **task) {
  check_owner(L, what);
  *task = task_waiter(L, what);
  Session *s = session_at(L, 1);
  if (!s) push_missing(L, check_decl(L, 1));
  return s;
}

/* login_begin(session) → true | nil, err */
static int f_login_begin(lua_State *L) {
  Task *task;
  Error err;
  Session *s = own_session(L, "session:login", &task);
  if (!s) return 2;
  if (session_login_begin(s, task, &err) != 0) return luaerror_return(L, &err);
  lua_pushboolean(L, true);
  return 1;
}

/* login_end(session, pair | nil) → true | nil, err. Waits until it is stored. */
static int f_login_end(lua_State *L) {
  Task *task;
  Error err;
  Buffer json = {0};
  Session *s = own_session(L, "session:login", &task);
  if (!s) return 2;
  session_login_end(s, task);
  if (lua_isnoneornil(L, 2)) return 0;
  luaL_checktype(L, 2, LUA_TTABLE);
  int code = luajson_encode(L, 2, &json, &err);
  if (code == 0) code = session_login_with(s, json.data, json.len, &err);
  secret_buffer_free(&json);
  return code == 0 ? session_ask(L, s, SESSION_STORED, 0) : luaerror_return(L, &err);
}

/* logout(session) → the pair that was in use | nil */
static int f_logout(lua_State *L) {
  Error err;
  Task *task;
  Session *s = own_session(L, "session:logout", &task);
  if (!s) return 2;
  lua_settop(L, 1);
  char *pair = session_logout(s);
  bool had = pair && luajson_decode(L, pair, strlen(pair), &err) == 0;
  secret_free(pair);
  if (!had) lua_pushnil(L);
  return 1;
}

/* stored(session) → true. Waits for what is written. */
static int f_stored(lua_State *L) {
  return ask(L, SESSION_STORED, 0);
}

int luaopen_tidelock_session_core(lua_State *L) {
  static const luaL_Reg methods[] = {{NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"define", f_define},       {"attach", f_attach},
      {"origin", f_origin},       {"learn", f_learn},
      {"state", f_state},         {"on_change", f_on_change},
      {"token", f_token},         {"ready", f_ready},
      {"refused", f_refused},     {"login_begin", f_login_begin},
      {"login_end", f_login_end}, {"logout", f_logout},
      {"stored", f_stored},       {NULL, NULL}};
  box_class(L, &session_box, methods, NULL);
  luaL_newlib(L, functions);
  return 1;
}
