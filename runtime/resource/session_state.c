/* See session_state.h. */
#include "resource/session_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "resource/resource.h"

double session_now(const Session *s) {
  return wakes_now(s->wakes);
}

void session_log(const Session *s, LogLevel level, const char *text, const Error *err) {
  if (!s->res) return;
  const Owner *owner = s->res->owner;
  log_write(owner->host->log, level, owner->name, "session %s: %s%s%s", s->res->name,
            text, err ? ": " : "", err ? err->message : "");
}

/* A text may end within a token: what begins like one is one. */
enum { ALIKE = 12, SHORTEST = 4 };

static void hide_text(char *text, const char *secret) {
  size_t len = secret ? strlen(secret) : 0, alike = len < ALIKE ? len : ALIKE;
  if (len < SHORTEST) return;
  char *at = text;
  while ((at = memmem(at, strlen(at), secret, alike)) != NULL) {
    size_t same = alike;
    while (same < len && at[same] == secret[same]) same++;
    memset(at, '*', same);
    at += same;
  }
}

void session_hide(const Session *s, Error *err) {
  const SessionRecord *all[] = {&s->own, &s->fresh};
  for (size_t i = 0; i < COUNT_OF(all); i++) {
    hide_text(err->message, all[i]->access);
    hide_text(err->message, all[i]->refresh);
  }
  err->detail[0] = '\0'; /* the beginning of an answer, which may hold the new ones */
}

/* --- what scripts see ------------------------------------------------------------- */

static const char *const status_names[] = {"restoring", "open", "closed"};

SessionState session_state(const Session *s) {
  return (SessionState){status_names[s->status],
                        s->status == SESSION_CLOSED ? s->reason : NULL, s->since,
                        s->refreshing};
}

int session_push_state(lua_State *L, void *ctx) {
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
                   .push = session_push_state,
                   .ctx = s};
  for (Declaration *d = s->res->decls, *next; d; d = next) {
    next = d->next_bound;
    if (declaration_live(d)) handlers_fire(d->vm, &d->handlers, &firing);
    if (!s->res) return;
  }
}

/* One may leave meanwhile, but only itself. */
static void tell_listeners(Session *s) {
  for (SessionListener *l = s->listeners, *next; l; l = next) {
    next = l->next;
    l->changed(l);
  }
}

static void on_change(Event *event) {
  Session *s = CONTAINER_OF(event, Session, change);
  s->changes = false;
  tell_listeners(s);
  if (s->res) fire_change(s);
  session_unref(s);
}

void session_tell(Session *s) {
  if (s->changes) return;
  s->changes = true;
  session_ref(s);
  inbox_push(s->loop, &s->change);
}

/* --- what it becomes -------------------------------------------------------------- */

static void set_status(Session *s, SessionStatus status, const char *reason) {
  s->status = status;
  s->reason = reason;
  s->since = clock_wall();
  session_tell(s);
}

/* What the boot clock and the wall clock may differ by, as one is corrected. */
static const double most_difference = 60;

/* The seconds since it came, by the clock that nobody sets where that tells it. Of a file
 * the wall clock is believed only as long as it is not contradicted: what came before
 * this start of the machine is older than that. */
static double find_age(const Session *s, const SessionRecord *record, bool *doubt) {
  char boot[BOOT_ID];
  boot_id(boot);
  double wall = clock_wall() - record->received;
  double now = session_now(s), by_boot = now - record->boot_time;
  bool known = record->boot[0] && boot[0],
       same = known && strcmp(record->boot, boot) == 0;
  *doubt = wall < 0;
  if (same) *doubt = *doubt || by_boot < 0 || fabs(by_boot - wall) > most_difference;
  else if (known) *doubt = *doubt || wall < now - most_difference;
  return fmax(same ? by_boot : wall, 0);
}

void session_adopt(Session *s, SessionRecord *record, bool fresh) {
  session_record_free(&s->own);
  s->own = *record;
  *record = (SessionRecord){0};
  s->got = session_now(s) - find_age(s, &s->own, &s->doubt);
  if (fresh) s->got = s->own.boot_time, s->doubt = false;
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

double session_age(const Session *s) {
  return session_now(s) - s->got;
}

bool session_is_over(const Session *s) {
  return session_age(s) >= s->own.life;
}

bool session_is_due(const Session *s) {
  double early = fmin(60, s->own.life / 10);
  return s->doubt || s->was_begun || session_age(s) >= s->own.life - early;
}

/* --- who waits -------------------------------------------------------------------- */

void session_unlink_wait(SessionWait *w) {
  *w->at = w->next;
  if (w->next) w->next->at = w->at;
}

void session_wake_all(Session *s) {
  s->waking.first = s->waits.first;
  s->waits.first = NULL;
  if (s->waking.first) s->waking.first->at = &s->waking.first;
  while (s->waking.first) {
    SessionWait *w = s->waking.first;
    session_unlink_wait(w);
    task_wake(w->task, w->push, w);
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
  if (!is_busy(s)) session_wake_all(s);
  session_unref(s);
}

void session_finish(Session *s) {
  if (s->finishes) return;
  s->finishes = true;
  session_ref(s);
  inbox_push(s->loop, &s->finish);
}

/* --- life ------------------------------------------------------------------------- */

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

void session_init(Session *s, Resource *res) {
  s->res = res;
  s->loop = res->owner->host->loop;
  s->wakes = net_wakes(res->owner->host->resources->net);
  s->unsaved = res->owner->host->resources->unsaved;
  s->refs = 1;
  s->file.lock = -1;
  s->status = SESSION_CLOSED;
  s->since = clock_wall();
  s->finish.run = on_finish;
  s->change.run = on_change;
}
