/* See session.h. */
#include "resource/session.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/luaerror.h"
#include "core/clock.h"
#include "net/net_url.h"
#include "resource/session_parts.h"

/* A token that is refused so soon is not refused because it is old. */
static const double too_young = 30;

double session_now(const Session *s) {
  struct timespec boot;
  clock_gettime(CLOCK_BOOTTIME, &boot);
  double slept = (double)boot.tv_sec + (double)boot.tv_nsec / 1e9 - clock_monotonic();
  return loop_now(s->loop) + fmax(slept, 0);
}

void session_log(const Session *s, LogLevel level, const char *text, const Error *err) {
  if (!s->res) return;
  const Owner *owner = s->res->owner;
  log_write(owner->host->log, level, owner->name, "session %s: %s%s%s", s->res->name,
            text, err ? ": " : "", err ? err->message : "");
}

char *session_origin(const char *url) {
  Error ignored;
  NetUrl parts;
  if (!url || net_url_parse(&parts, url, true, &ignored) != 0) return NULL;
  char *origin = xstrdup(parts.origin);
  net_url_free(&parts);
  size_t len = strlen(origin);
  const char *usual = strncmp(origin, "https:", 6) == 0 ? ":443" : ":80";
  size_t tail = strlen(usual);
  if (len > tail && strcmp(origin + len - tail, usual) == 0) origin[len - tail] = '\0';
  return origin;
}

/* --- state ------------------------------------------------------------------------ */

static const char *const status_names[] = {"restoring", "open", "closed"};

SessionState session_state(const Session *s) {
  return (SessionState){status_names[s->status],
                        s->status == SESSION_CLOSED ? s->reason : NULL, s->since,
                        s->refreshing};
}

static int push_state(lua_State *L, void *ctx) {
  SessionState state = session_state(ctx);
  lua_createtable(L, 0, 4);
  lua_pushstring(L, state.status);
  lua_setfield(L, -2, "status");
  lua_pushstring(L, state.reason);
  lua_setfield(L, -2, "reason");
  lua_pushnumber(L, state.since);
  lua_setfield(L, -2, "since");
  lua_pushboolean(L, state.refreshing);
  lua_setfield(L, -2, "refreshing");
  return 1;
}

static void fire_change(Session *s) {
  Firing firing = {.event = "change",
                   .len = strlen("change"),
                   .source = s->res->name,
                   .push = push_state,
                   .ctx = s};
  for (Declaration *d = s->res->decls, *next; d; d = next) {
    next = d->next_bound;
    if (declaration_live(d)) handlers_fire(d->vm, &d->handlers, &firing);
    if (!s->res) return;
  }
}

static void on_change(Event *event) {
  Session *s = CONTAINER_OF(event, Session, change);
  s->changes = false;
  if (s->res) fire_change(s);
  session_unref(s);
}

void session_tell(Session *s) {
  if (s->changes) return;
  s->changes = true;
  session_ref(s);
  inbox_push(s->loop, &s->change);
}

static void set_status(Session *s, SessionStatus status, const char *reason) {
  s->status = status;
  s->reason = reason;
  s->since = clock_wall();
  session_tell(s);
}

static double age_of(const SessionRecord *record, bool *doubt) {
  double age = clock_wall() - record->received;
  *doubt = age < 0;
  return fmax(age, 0);
}

void session_adopt(Session *s, SessionRecord *record) {
  session_record_free(&s->own);
  s->own = *record;
  *record = (SessionRecord){0};
  s->got = session_now(s) - age_of(&s->own, &s->doubt);
  s->serial++;
  s->was_begun = s->own.begun;
  s->again_at = s->pause = 0;
  set_status(s, SESSION_OPEN, NULL);
}

void session_close_for(Session *s, const char *reason) {
  int64_t number = s->own.number;
  session_record_free(&s->own);
  s->own.number = number;
  s->fence++;
  set_status(s, SESSION_CLOSED, reason);
}

const char *session_reason(const char *closed) {
  static const char *const known[] = {"logout", "expired", "lost", "rejected"};
  for (size_t i = 0; i < COUNT_OF(known); i++)
    if (strcmp(closed, known[i]) == 0) return known[i];
  return "logout";
}

/* --- what holds ------------------------------------------------------------------- */

static double age_now(const Session *s) {
  return session_now(s) - s->got;
}

static bool is_over(const Session *s) {
  return age_now(s) >= s->own.life;
}

bool session_is_due(const Session *s) {
  double early = fmin(60, s->own.life / 10);
  return s->doubt || s->was_begun || age_now(s) >= s->own.life - early;
}

/* Whether a request would have to wait. */
static bool must_wait(Session *s) {
  if (s->status == SESSION_RESTORING) return true;
  if (s->status == SESSION_CLOSED || !session_is_due(s)) return false;
  return s->refreshing || session_now(s) >= s->again_at;
}

/* --- who waits -------------------------------------------------------------------- */

struct SessionWait {
  SessionWait *next, **at;
  Wait wait;
  Task *task;
  Session *session; /* a reference */
  SessionAsk ask;
  int64_t serial;
};

static void unlink_wait(SessionWait *w) {
  *w->at = w->next;
  if (w->next) w->next->at = w->at;
}

static void link_wait(SessionWaits *list, SessionWait *w) {
  SessionWait **at = &list->first;
  while (*at) at = &(*at)->next; /* as they came */
  w->next = NULL;
  w->at = at;
  *at = w;
}

static void cancel_wait(Wait *wait) {
  SessionWait *w = CONTAINER_OF(wait, SessionWait, wait);
  unlink_wait(w);
  session_unref(w->session);
  free(w);
}

static int push_closed(lua_State *L, const Session *s) {
  Error err;
  error_set(&err, ERR_CLOSED, "the session %s is closed (%s): log in",
            s->res ? s->res->name : "", s->reason ? s->reason : "over");
  err.sent = SENT_NO;
  return luaerror_return(L, &err);
}

static int push_failure(lua_State *L, const Session *s) {
  Error err = s->failure;
  if (!err.code)
    error_set(&err, ERR_UNAVAILABLE, "the token of the session %s is over", s->res->name);
  err.sent = SENT_NO;
  return luaerror_return(L, &err);
}

/* A token that is due goes on being used while it lasts. */
static int push_usable(lua_State *L, const Session *s, bool token) {
  if (!s->res || (s->status != SESSION_OPEN && token)) return push_closed(L, s);
  if (s->status == SESSION_OPEN && is_over(s)) return push_failure(L, s);
  if (token) lua_pushstring(L, s->own.access);
  else lua_pushboolean(L, true);
  return 1;
}

static int push_answer(lua_State *L, const Session *s, SessionAsk ask, int64_t serial) {
  switch (ask) {
  case SESSION_READY:
  case SESSION_TOKEN:
    return push_usable(L, s, ask == SESSION_TOKEN);
  case SESSION_REFUSED:
    lua_pushboolean(L, s->status == SESSION_OPEN && s->serial != serial);
    return 1;
  case SESSION_STORED:
    break;
  }
  if (s->status == SESSION_CLOSED) return push_closed(L, s);
  lua_pushboolean(L, true);
  return 1;
}

static int push_wait(lua_State *L, void *ctx) {
  const SessionWait *w = ctx;
  return push_answer(L, w->session, w->ask, w->serial);
}

static void wake_all(Session *s) {
  s->waking.first = s->waits.first;
  s->waits.first = NULL;
  if (s->waking.first) s->waking.first->at = &s->waking.first;
  while (s->waking.first) {
    SessionWait *w = s->waking.first;
    unlink_wait(w);
    task_wake(w->task, push_wait, w);
    session_unref(w->session);
    free(w);
  }
}

/* What it does will end in session_finish. */
static bool is_busy(const Session *s) {
  return s->status == SESSION_RESTORING || s->refreshing ||
         (s->fresh.number != 0 && !s->fresh_is_own);
}

static void on_finish(Event *event) {
  Session *s = CONTAINER_OF(event, Session, finish);
  s->finishes = false;
  if (!is_busy(s)) wake_all(s);
  session_unref(s);
}

void session_finish(Session *s) {
  if (s->finishes) return;
  s->finishes = true;
  session_ref(s);
  inbox_push(s->loop, &s->finish);
}

static int start_wait(lua_State *L, Session *s, SessionAsk ask, int64_t serial) {
  Task *task = task_waiter(L, "a session");
  SessionWait *w = xcalloc(1, sizeof *w);
  *w = (SessionWait){.wait.cancel = cancel_wait,
                     .task = task,
                     .session = s,
                     .ask = ask,
                     .serial = serial};
  session_ref(s);
  link_wait(&s->waits, w);
  return task_wait(L, task, &w->wait);
}

static bool waits_refused(Session *s, int64_t serial) {
  if (s->status != SESSION_OPEN || s->serial != serial) return false;
  if (!s->refreshing && age_now(s) < too_young && !s->was_begun) {
    session_log(s, LOG_WARN, "a token that is new was refused: it is closed", NULL);
    session_close_for(s, "rejected");
    session_finish(s);
    return false;
  }
  return s->refreshing || session_now(s) >= s->again_at;
}

int session_ask(lua_State *L, Session *s, SessionAsk ask, int64_t serial) {
  bool waits = ask == SESSION_STORED    ? s->fresh.number != 0 && !s->fresh_is_own
               : ask == SESSION_REFUSED ? waits_refused(s, serial)
                                        : must_wait(s);
  Task *task = task_waiter(L, "a session");
  if (waits && task_scope(task) == s && ask != SESSION_STORED) {
    Error err;
    error_set(&err, ERR_BUSY, "the session %s cannot wait for itself", s->res->name);
    return luaerror_return(L, &err);
  }
  if (!waits) return push_answer(L, s, ask, serial);
  if (ask != SESSION_STORED && s->status == SESSION_OPEN) session_refresh(s);
  return start_wait(L, s, ask, serial);
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
  bool own = task_scope(task) == s;
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
    o->origins = xcalloc(1, sizeof *o->origins);
    o->origins[o->count++] = xstrdup(origin);
  }
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

void session_ref(Session *s) {
  s->refs++;
}

void session_unref(Session *s) {
  if (--s->refs > 0) return;
  session_record_free(&s->own);
  session_record_free(&s->fresh);
  session_record_free(&s->seen);
  session_record_free(&s->writing);
  session_file_unlock(&s->file);
  free(s->file.folder);
  free(s->file.name);
  free(s->origin);
  free(s->login_origin);
  free(s);
}

Session *session_of(const Declaration *decl) {
  return decl && decl->res ? decl->res->object : NULL;
}

static void on_begin(Event *event) {
  static const Error none;
  Session *s = CONTAINER_OF(event, Session, begin);
  s->begins = false;
  if (s->res) session_on_begun(s, &none);
  session_unref(s);
}

static int open_session(Resource *res, Error *err) {
  (void)err;
  Session *s = xcalloc(1, sizeof *s);
  s->res = res;
  s->loop = res->owner->host->loop;
  s->refs = 1;
  s->file.lock = -1;
  s->status = SESSION_CLOSED;
  s->since = clock_wall();
  s->finish.run = on_finish;
  s->change.run = on_change;
  s->begin.run = on_begin;
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
  wake_all(s);
  session_unref(s);
}

/* Its script's requests hold the process; by itself it does so while it writes. */
static bool is_alive(const Resource *res) {
  const Session *s = res->object;
  return s && (s->refreshing || (s->fresh.number && !s->told_unwritten));
}

static bool same_text(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_options(const void *a, const void *b) {
  const SessionOptions *x = a, *y = b;
  if (x->remember != y->remember || x->shared != y->shared || x->count != y->count)
    return false;
  for (size_t i = 0; i < x->count; i++)
    if (strcmp(x->origins[i], y->origins[i]) != 0) return false;
  return same_text(x->account, y->account);
}

/* Another account, or another place for the tokens, is another session. */
static bool is_in_place(const void *a, const void *b) {
  const SessionOptions *x = a, *y = b;
  const char *first = x->count ? x->origins[0] : NULL;
  return x->remember == y->remember && same_text(x->account, y->account) &&
         same_text(first, y->count ? y->origins[0] : NULL);
}

static void change_session(Resource *res, const void *before) {
  (void)res, (void)before; /* the options are looked at where they count */
}

static void free_options(void *options) {
  SessionOptions *o = options;
  if (!o) return;
  for (size_t i = 0; i < o->count; i++) free(o->origins[i]);
  free(o->origins);
  free(o->account);
  free(o);
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
                                   .same = same_options,
                                   .in_place = is_in_place,
                                   .change = change_session,
                                   .free_options = free_options,
                                   .withheld = is_withheld,
                                   .shares = "\"use\""};
