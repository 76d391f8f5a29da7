/* See session.h. */
#include "resource/session.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "resource/session_disk.h"
#include "resource/session_refresh.h"
#include "resource/session_state.h"

void session_push(lua_State *L, Session *s) {
  if (s) {
    session_push_state(L, s);
    return;
  }
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "closed");
  lua_setfield(L, -2, "status");
}

/* --- where tokens go -------------------------------------------------------------- */

static bool is_origin(const Session *s, const char *origin) {
  const SessionOptions *o = session_options(s);
  for (size_t i = 0; i < o->count; i++)
    if (strcmp(o->origins[i], origin) == 0) return true;
  return o->count == 0 && s->origin && strcmp(s->origin, origin) == 0;
}

const char *session_token_for(Session *s, const Task *task, const char *url,
                              int64_t *serial) {
  *serial = s->serial;
  char *origin = session_origin(url);
  if (!origin) return NULL;
  bool own = task && task_scope(task) == s;
  bool fits = !own && s->status == SESSION_OPEN && is_origin(s, origin);
  if (!own || s->login_origin) {
    free(origin);
    return fits ? s->own.access : NULL;
  }
  s->login_origin = origin;
  return NULL;
}

void session_learn(Declaration *decl, const char *origin) {
  SessionOptions *o = decl->options;
  Session *s = session_of(decl);
  if (decl->attached) return;
  if (s && session_options(s)->count == 0 && !s->origin) {
    s->origin = xstrdup(origin);
    session_place(s);
    if (s->status == SESSION_CLOSED && !s->reason) session_restore(s);
  } else if (!s && o && o->count == 0) {
    o->origins = xrealloc(o->origins, sizeof *o->origins);
    o->origins[o->count++] = xstrdup(origin);
  }
}

const BoxKind session_box = {"session", NULL};

void session_listen(Session *s, SessionListener *l) {
  if (l->at) session_unlisten(l);
  l->next = s->listeners;
  l->at = &s->listeners;
  if (l->next) l->next->at = &l->next;
  s->listeners = l;
}

void session_unlisten(SessionListener *l) {
  if (!l->at) return;
  *l->at = l->next;
  if (l->next) l->next->at = l->at;
  l->at = NULL;
}

int session_check_way(const Declaration *decl, const Route *route, Error *err) {
  bool own = route->proxy || route->ca_file || route->ciphers || route->insecure;
  if (!decl->attached || !own) return 0;
  return error_set(err, ERR_DENIED,
                   "the token of %s takes the usual way alone, as the session is another "
                   "script's: no proxy, ca, ciphers or insecure",
                   decl->name);
}

bool session_is_closed(const Session *s) {
  return s->status == SESSION_CLOSED;
}

/* --- login and logout ------------------------------------------------------------- */

int session_login_begin(Session *s, Task *task, Error *err) {
  if (task_scope(task) == s)
    return error_set(err, ERR_BUSY, "the session %s logs in or renews already",
                     s->res->name);
  task_set_scope(task, s);
  free(s->login_origin);
  s->login_origin = NULL;
  return 0;
}

void session_login_end(Session *s, Task *task) {
  if (task_scope(task) == s) task_set_scope(task, NULL);
}

int session_login_with(Session *s, const char *json, size_t len, Error *err) {
  SessionRecord fresh;
  if (session_record_read(&fresh, json, len, NULL, err) != 0) return (int)err->code;
  if (!s->origin && session_options(s)->count == 0 && s->login_origin) {
    s->origin = s->login_origin;
    s->login_origin = NULL;
  }
  session_place(s);
  s->fence++;
  session_stop_refresh(s);
  session_put(s, &fresh);
  return 0;
}

char *session_logout(Session *s) {
  char *pair = s->own.pair;
  s->own.pair = NULL;
  SessionRecord gone = {.received = clock_wall(), .closed = xstrdup("logout")};
  session_close_for(s, "logout");
  session_stop_refresh(s);
  session_put(s, &gone);
  return pair;
}

/* --- the resource ----------------------------------------------------------------- */

Session *session_of(const Declaration *decl) {
  return decl && decl->res ? decl->res->object : NULL;
}

static int open_session(Resource *res, Error *err) {
  (void)err;
  Session *s = xcalloc(1, sizeof *s);
  session_init(s, res);
  session_refresh_init(s);
  res->object = s;
  return 0;
}

static void start_session(Resource *res) {
  Session *s = res->object;
  session_place(s);
  session_restore(s);
}

static void close_session(Resource *res) {
  Session *s = res->object;
  res->object = NULL;
  s->fence++;
  session_close_for(s, "over");
  session_stop_refresh(s);
  session_stop_disk(s);
  s->res = NULL;
  while (s->listeners) {
    SessionListener *l = s->listeners;
    session_unlisten(l);
    l->changed(l);
  }
  session_wake_all(s);
  session_unref(s);
}

/* Its script's requests hold the process; by itself it does so while it writes. */
static bool is_alive(const Resource *res) {
  const Session *s = res->object;
  return s && (s->refreshing || (s->fresh.number && !s->told_unwritten));
}

static void change_session(Resource *res, const void *before) {
  (void)res, (void)before; /* the options are looked at where they count */
}

static bool is_withheld(const Declaration *decl) {
  const SessionOptions *o = decl->res->options;
  return !o->shared;
}

const ResourceKind session_kind = {.name = "session",
                                   .open = open_session,
                                   .start = start_session,
                                   .close = close_session,
                                   .alive = is_alive,
                                   .same = session_options_same,
                                   .in_place = session_options_in_place,
                                   .change = change_session,
                                   .free_options = session_options_free,
                                   .withheld = is_withheld,
                                   .shares = "\"use\""};

bool sessions_busy(const Host *host) {
  for (const Resource *r = host->resources->first; r; r = r->next)
    if (r->kind == &session_kind && is_alive(r)) return true;
  return false;
}
