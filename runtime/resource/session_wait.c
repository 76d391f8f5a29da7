/* See session_wait.h. */
#include "resource/session_wait.h"

#include <stdlib.h>

#include "bridge/luaerror.h"
#include "resource/session_refresh.h"
#include "resource/session_state.h"

/* A token that is refused so soon is not refused because it is old. */
static const double too_young = 30;

/* Whether a request would have to wait. */
static bool must_wait(Session *s) {
  if (s->status == SESSION_RESTORING) return true;
  if (s->status == SESSION_CLOSED || !session_is_due(s)) return false;
  return s->refreshing || session_now(s) >= s->again_at;
}

/* --- waiting ---------------------------------------------------------------------- */

static void link_wait(SessionWaits *list, SessionWait *w) {
  SessionWait **at = &list->first;
  while (*at) at = &(*at)->next; /* as they came */
  w->next = NULL;
  w->at = at;
  *at = w;
}

static void cancel_wait(Wait *wait) {
  SessionWait *w = CONTAINER_OF(wait, SessionWait, wait);
  session_unlink_wait(w);
  session_unref(w->session);
  free(w);
}

/* --- the answer ------------------------------------------------------------------- */

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
  if (s->status == SESSION_OPEN && session_is_over(s)) return push_failure(L, s);
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

/* --- asking ----------------------------------------------------------------------- */

static int start_wait(lua_State *L, Session *s, SessionAsk ask, int64_t serial) {
  Task *task = task_waiter(L, "a session");
  SessionWait *w = xcalloc(1, sizeof *w);
  *w = (SessionWait){.wait.cancel = cancel_wait,
                     .task = task,
                     .push = push_wait,
                     .session = s,
                     .ask = ask,
                     .serial = serial};
  session_ref(s);
  link_wait(&s->waits, w);
  return task_wait(L, task, &w->wait);
}

static bool waits_refused(Session *s, int64_t serial) {
  if (s->status != SESSION_OPEN || s->serial != serial) return false;
  if (!s->refreshing && session_age(s) < too_young && !s->was_begun) {
    session_reject(s);
    return s->refreshing;
  }
  return s->refreshing || session_now(s) >= s->again_at;
}

bool session_refuse(Session *s, int64_t serial) {
  waits_refused(s, serial); /* may close it */
  return s->status == SESSION_OPEN;
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
