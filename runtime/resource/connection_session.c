/* A connection whose auth is a session, `auth = s:auth()`:
 *
 * - Each attempt waits until the session has a token that holds. That stops the clock of
 *   the attempt, for 15 s at most. Then the token is the auth, at the session's origins
 *   alone. No network fails the attempt, and it is tried again.
 * - A namespace that is refused has a token renewed, once until it is connected.
 * - A session that ends closes the connection, with the reason "session"; a login
 *   connects it again. */
#include "resource/connection_session.h"

#include <stdlib.h>
#include <string.h>

#include "core/jsonput.h"
#include "data/session_file.h"
#include "resource/session.h"
#include "resource/session_wait.h"

static const double longest_stop = 15;

/* What the owner's present generation names. NULL: no session, or it is not there. */
static Declaration *find_declaration(const Connection *c) {
  Declaration *decl = c->res->decls;
  int ref = decl && !decl->attached ? decl->functions[CONNECTION_AUTH] : LUA_NOREF;
  if (ref == LUA_NOREF) return NULL;
  lua_State *L = decl->vm->L;
  bool handle = lua_rawgeti(L, LUA_REGISTRYINDEX, ref) == LUA_TUSERDATA;
  Declaration *session = handle ? ((Box *)lua_touserdata(L, -1))->object : NULL;
  lua_pop(L, 1);
  return session;
}

static Session *find_session(const Connection *c) {
  Declaration *decl = find_declaration(c);
  Session *s = session_of(decl);
  return s && decl->attached && session_kind.withheld(decl) ? NULL : s;
}

/* --- asking ----------------------------------------------------------------------- */

int connection_f_session(lua_State *L) {
  Declaration *decl = box_to(L, 1, &session_box)->object;
  Session *s = session_of(decl);
  int64_t refused = lua_tointeger(L, 2);
  if (s) return session_ask(L, s, refused ? SESSION_REFUSED : SESSION_READY, refused);
  lua_pushboolean(L, false);
  return 1;
}

static void on_changed(SessionListener *listener);

int64_t connection_session_ask(Connection *c) {
  Session *s = find_session(c);
  c->session.listener.changed = on_changed;
  if (s) session_listen(s, &c->session.listener);
  socket_give_time(c->socket, longest_stop);
  return c->session.refused ? c->session.serial : 0;
}

static void fail_auth(Connection *c, ErrorCode code, const char *why) {
  Error err;
  error_set(&err, code, "auth of %s: %s", c->res->name, why);
  socket_auth_failed(c->socket, &err);
}

static void end_connection(Connection *c) {
  c->session.ended = true;
  socket_end(c->socket, "session");
}

static void give_token(Connection *c, const char *token) {
  Buffer json = {0};
  buffer_puts(&json, "{\"token\":");
  bool good = json_put_string(&json, token, strlen(token)) == 0;
  buffer_puts(&json, "}");
  if (good) socket_auth(c->socket, json.data, json.len);
  else fail_auth(c, ERR_DECODE, "the token is no text");
  secret_buffer_free(&json);
}

void connection_session_answer(Connection *c, const Error *err) {
  Session *s = find_session(c);
  int64_t refused = c->session.refused ? c->session.serial : 0, serial = 0;
  if (!s) {
    fail_auth(c, ERR_NOT_FOUND, "its session is not there, or not shared");
    return;
  }
  const ConnectionOptions *o = c->res->options;
  Error denied;
  if (session_check_way(find_declaration(c), &o->net.route, &denied) != 0) {
    socket_auth_failed(c->socket, &denied);
    return;
  }
  const char *token = session_token_for(s, NULL, o->net.url, &serial);
  if (session_is_closed(s)) end_connection(c);
  else if (err) socket_auth_failed(c->socket, err);
  else if (!token) fail_auth(c, ERR_INVALID, "the session's origins do not have its URL");
  else if (serial == refused) fail_auth(c, ERR_UNAVAILABLE, "no token could be had");
  else {
    c->session.serial = serial;
    c->session.refused = false;
    give_token(c, token);
  }
}

/* --- what the server and the session say ------------------------------------------ */

bool connection_on_refused(void *ctx) {
  Connection *c = ctx;
  Session *s = find_session(c);
  if (!s || !c->session.serial) return false;
  bool before = c->session.renewed;
  c->session.refused = c->session.renewed = true;
  return session_refuse(s, c->session.serial) && !before;
}

void connection_session_joined(Connection *c) {
  c->session.renewed = false;
}

static void on_changed(SessionListener *listener) {
  Connection *c = CONTAINER_OF(listener, Connection, session.listener);
  Session *s = find_session(c);
  if (!s) return;
  SocketState state = socket_state(c->socket);
  if (session_is_closed(s)) {
    if (state != SOCKET_IDLE) end_connection(c);
  } else if (c->session.ended) {
    c->session.ended = c->session.renewed = false;
    if (state == SOCKET_CLOSED) socket_connect(c->socket);
  }
}

void connection_session_leave(Connection *c) {
  session_unlisten(&c->session.listener);
}
