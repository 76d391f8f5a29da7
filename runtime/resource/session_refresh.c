/* How the tokens of a session are renewed:
 *
 *   session_refresh → the lock, the file, the mark "refresh begun" (session_disk.c)
 *   on_begun → others were faster: their tokens are taken; else the script's
 *                      function `refresh` runs, in a task of the core's
 *   on_asked → what it gave goes to the disk, under the same lock
 *   on_put → and only then it is used, and who waited goes on
 *
 * What ends the process between two of these leaves the old tokens and the mark: the next
 * start tries them once. An error of the network ends nothing: the mark stays, the tokens
 * too. */
#include "resource/session_refresh.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/luadecode.h"
#include "bridge/luaencode.h"
#include "bridge/luaerror.h"
#include "core/clock.h"
#include "resource/resource.h"
#include "resource/session_disk.h"
#include "resource/session_state.h"

static const double ask_limit = 10, longest_pause = 30;

/* --- the end ---------------------------------------------------------------------- */

static void end_refresh(Session *s) {
  s->refreshing = s->asking = false;
  timer_stop(s->loop, &s->ask_timer);
  timer_stop(s->loop, &s->lock_timer);
  if (!s->job_runs && !s->fresh.number) session_file_unlock(&s->file);
  session_finish(s);
}

static void fail_refresh(Session *s, const Error *err) {
  s->failure = *err;
  session_hide(s, &s->failure);
  s->pause = fmin(fmax(s->pause * 2, 1), longest_pause);
  s->again_at = session_now(s) + s->pause;
  session_log(s, LOG_WARN, "not renewed", &s->failure);
  end_refresh(s);
}

/* The server does not take the refresh token any more. */
static void end_session(Session *s) {
  const char *reason = s->was_begun ? "lost" : "expired";
  SessionRecord gone = {.received = clock_wall(), .closed = xstrdup(reason)};
  session_log(s, LOG_WARN,
              s->was_begun ? "a process ended while it renewed the tokens, and the old "
                             "ones are refused: log in again"
                           : "the server does not renew it any more: log in again",
              NULL);
  session_close_for(s, reason);
  s->failure.code = ERR_NONE;
  s->refreshing = false;
  session_put(s, &gone);
  session_finish(s);
}

static void on_put(Session *s) {
  if (s->fresh.closed) {
    s->own.number = s->fresh.number;
  } else {
    SessionRecord own;
    session_record_copy(&own, &s->fresh);
    session_adopt(s, &own, true);
  }
  if (!s->asking) s->refreshing = false;
  s->failure.code = ERR_NONE;
  session_finish(s);
}

/* --- asking the script ------------------------------------------------------------ */

struct SessionCall {
  Session *session; /* a reference */
  Vm *vm;
  bool dropped; /* the answer does not count */
};

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

/* refresh(refresh_token, pair) */
static int push_refresh(lua_State *L, void *ctx) {
  const SessionCall *call = ctx;
  const Session *s = call->session;
  Error err;
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->res->decls->functions[SESSION_REFRESH]);
  lua_pushstring(L, s->own.refresh);
  const char *pair = s->own.pair ? s->own.pair : "{}";
  if (luajson_decode(L, pair, strlen(pair), &err) != 0) lua_newtable(L);
  else if (!lua_istable(L, -1)) lua_pop(L, 1), lua_newtable(L); /* of a strange file */
  set_text(L, "access", s->own.access);
  set_text(L, "refresh", s->own.refresh);
  return 2;
}

static bool field_is(lua_State *L, int index, const char *name, const char *text) {
  if (!lua_istable(L, index)) return false;
  lua_pushstring(L, name);
  bool is = lua_rawget(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, -1), text) == 0;
  lua_pop(L, 1);
  return is;
}

/* invalid_grant as a code, or as `error` of the body (RFC 6749, 5.2), with 400 or 401. */
static int f_is_final(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  bool final = field_is(L, 1, "code", "invalid_grant");
  lua_pushliteral(L, "body");
  lua_rawget(L, 1);
  if (field_is(L, 2, "error", "invalid_grant")) final = true;
  lua_pushliteral(L, "status");
  bool status = lua_rawget(L, 1) == LUA_TNUMBER;
  lua_Number number = lua_tonumber(L, -1);
  lua_pushboolean(L, final && (!status || number == 400 || number == 401));
  return 1;
}

static bool is_final(lua_State *L, int index) {
  index = lua_absindex(L, index);
  lua_pushcfunction(L, f_is_final);
  lua_pushvalue(L, index);
  bool is = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is;
}

static void take_pair(Session *s, lua_State *co, int index) {
  Error err;
  Buffer json = {0};
  SessionRecord fresh;
  bool good = luajson_encode(co, index, &json, &err) == 0 &&
              session_record_read(&fresh, json.data, json.len, s->own.refresh, &err) == 0;
  secret_buffer_free(&json);
  if (good) session_put(s, &fresh);
  else fail_refresh(s, &err);
}

static void take_refusal(Session *s, lua_State *co, int index) {
  Error err;
  if (index == 0) {
    error_set(&err, ERR_INVALID,
              "refresh of the session %s gave neither tokens nor an error", s->res->name);
    fail_refresh(s, &err);
  } else if (is_final(co, index)) {
    end_session(s);
  } else {
    luaerror_read(co, index, &err);
    fail_refresh(s, &err);
  }
}

static void set_unanswered(Session *s, TaskOutcome outcome) {
  Error err;
  if (outcome == TASK_FAILED)
    error_set(&err, ERR_SCRIPT, "refresh of the session %s failed: see the log",
              s->res->name);
  else error_set(&err, ERR_CANCELLED, "refresh of the session %s was cut", s->res->name);
  fail_refresh(s, &err);
}

static void on_asked(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  SessionCall *call = ctx;
  Session *s = call->session;
  call->vm->lasting--;
  if (!call->dropped) {
    timer_stop(s->loop, &s->ask_timer);
    s->call = NULL;
    s->asking = false;
    int first = outcome == TASK_OK && n > 0 ? lua_gettop(co) - n + 1 : 0;
    if (outcome != TASK_OK) set_unanswered(s, outcome);
    else if (first && lua_istable(co, first)) take_pair(s, co, first);
    else take_refusal(s, co, n > 1 ? first + 1 : 0);
  }
  session_unref(s);
  free(call);
}

/* A task that does not end is not waited for. */
static void drop_call(Session *s) {
  SessionCall *call = s->call;
  Task *task = s->task;
  if (!call) return;
  call->dropped = true;
  s->call = NULL;
  s->task = NULL;
  s->asking = false;
  task_cancel(task);
}

static void on_late(Timer *timer) {
  Session *s = CONTAINER_OF(timer, Session, ask_timer);
  Error err;
  drop_call(s);
  error_set(&err, ERR_TIMEOUT, "refresh of the session %s gave no answer within %.0f s",
            s->res->name, ask_limit);
  err.phase = "response";
  fail_refresh(s, &err);
}

static void ask_script(Session *s, Declaration *decl) {
  SessionCall *call = xcalloc(1, sizeof *call);
  *call = (SessionCall){.session = s, .vm = decl->vm};
  session_ref(s);
  decl->vm->lasting++;
  s->call = call;
  s->asking = true;
  s->ask_timer.fire = on_late;
  Task *task = task_prepare(decl->vm, TASK_NAME("the refresh of", s->res->name),
                            push_refresh, call, on_asked, call);
  if (!task) {
    on_asked(call, NULL, 0, TASK_NOT_BEGUN);
    return;
  }
  s->task = task;
  task_set_scope(task, s);
  task_set_lasting(task);
  timer_start(s->loop, &s->ask_timer, ask_limit);
  task_run_prepared(task);
}

/* --- beginning -------------------------------------------------------------------- */

static Declaration *owner_of(const Session *s) {
  Declaration *decl = s->res->decls;
  return decl && !decl->attached && declaration_live(decl) ? decl : NULL;
}

void session_refresh(Session *s) {
  Declaration *decl = owner_of(s);
  if (s->refreshing || s->status != SESSION_OPEN) return;
  Error err;
  if (!decl || decl->functions[SESSION_REFRESH] == LUA_NOREF) {
    error_set(&err, ERR_UNAVAILABLE, "the session %s has no way to renew its tokens",
              s->res->name);
    fail_refresh(s, &err);
    return;
  }
  s->refreshing = true;
  s->refresh_fence = s->fence;
  s->failure.code = ERR_NONE;
  session_begin_disk(s);
}

static bool is_newer(const Session *s) {
  return s->seen.number > s->own.number;
}

static void take_closed(Session *s) {
  s->own.number = s->seen.number;
  session_close_for(s, session_reason(s->seen.closed));
  end_refresh(s);
}

/* True: another process has changed it, so that there is nothing to be done. */
static bool take_others(Session *s) {
  if (!is_newer(s)) return false;
  if (s->seen.closed) {
    take_closed(s);
    return true;
  }
  bool other = !s->own.access || strcmp(s->seen.access, s->own.access) != 0;
  session_adopt(s, &s->seen, false);
  if (other && !session_is_due(s)) {
    end_refresh(s);
    return true;
  }
  session_file_unlock(&s->file); /* again, with the mark on these */
  session_begin_disk(s);
  return true;
}

static void on_begun(Session *s, const Error *err) {
  if (!s->refreshing || s->asking || s->refresh_fence != s->fence) {
    if (!s->refreshing && !s->fresh.number) session_file_unlock(&s->file);
    return;
  }
  if (err->code == ERR_TIMEOUT) {
    fail_refresh(s, err);
    return;
  }
  if (err->code) session_log(s, LOG_WARN, "its file cannot be written", err);
  if (take_others(s)) return;
  Declaration *decl = owner_of(s);
  Error none;
  error_set(&none, ERR_CANCELLED, "the script of the session %s is not there",
            s->res->name);
  if (decl) ask_script(s, decl);
  else fail_refresh(s, &none);
}

/* --- refused ---------------------------------------------------------------------- */

static void reject(Session *s) {
  session_log(s, LOG_WARN, "a token that is new was refused: it is closed", NULL);
  session_close_for(s, "rejected");
}

static void on_looked(Session *s) {
  if (!s->refreshing || s->refresh_fence != s->fence) return;
  if (is_newer(s) && s->seen.closed) {
    take_closed(s);
    return;
  }
  if (is_newer(s)) session_adopt(s, &s->seen, false);
  else reject(s);
  end_refresh(s);
}

/* Another login may have ended the tokens of this one. */
void session_reject(Session *s) {
  if (session_look(s)) {
    s->refreshing = true;
    s->refresh_fence = s->fence;
    return;
  }
  reject(s);
  session_finish(s);
}

void session_stop_refresh(Session *s) {
  if (!s->refreshing) return;
  error_set(&s->failure, ERR_CANCELLED, "the session %s was changed", s->res->name);
  drop_call(s);
  s->refreshing = false;
  timer_stop(s->loop, &s->ask_timer);
  timer_stop(s->loop, &s->lock_timer);
  session_finish(s);
}

/* --- restoring -------------------------------------------------------------------- */

static void on_read(Session *s, const Error *err) {
  if (s->status != SESSION_RESTORING) return;
  if (err->code) session_log(s, LOG_ERROR, "cannot be restored", err);
  if (s->seen.access && !s->seen.closed) session_adopt(s, &s->seen, false);
  else session_close_for(s, s->seen.closed ? session_reason(s->seen.closed) : NULL);
  s->own.number = s->seen.number > s->own.number ? s->seen.number : s->own.number;
  if (s->status == SESSION_OPEN && session_is_due(s)) session_refresh(s);
  else session_finish(s);
}

static const SessionHooks hooks = {on_read, on_looked, on_begun, on_put};

void session_refresh_init(Session *s) {
  session_disk_init(s, &hooks);
}

void session_restore(Session *s) {
  if (!session_kept(s) || s->job_runs || s->serial) return;
  s->status = SESSION_RESTORING;
  session_read_disk(s);
}
