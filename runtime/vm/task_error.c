/* Errors of tasks: see task_error.h. */
#include "vm/task_error.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/luaerror.h"
#include "vm/task_life.h"
#include "vm/task_parts.h"
#include "vm/watchdog.h"

/* --- tracebacks ------------------------------------------------------------------- */

/* The C frames below the script's own are of no use to a reader. */
static void cut_bottom(char *trace) {
  static const char ours[] = "\n\t[C]: in ?";
  size_t len = strlen(trace), n = sizeof ours - 1;
  while (len > n && memcmp(trace + len - n, ours, n) == 0) trace[len -= n] = '\0';
}

/* luaL_traceback looks for each of some fifty frames from the top. */
bool task_is_deep(lua_State *L) {
  enum { DEEP = 5000 };
  lua_Debug frame;
  return lua_getstack(L, DEEP, &frame) != 0;
}

void task_keep_trace(lua_State *L, char **trace) {
  if (task_is_deep(L)) return;
  luaL_traceback(L, L, NULL, 1);
  free(*trace);
  *trace = xstrdup(lua_tostring(L, -1));
  cut_bottom(*trace);
  lua_settop(L, 1);
}

/* --- texts ------------------------------------------------------------------------ */

/* (trace, co, the error if co is this very thread) → text. Protected: __tostring may
 * raise, and memory may run out. */
static int f_describe(lua_State *L) {
  const char *trace = lua_touserdata(L, 1);
  lua_State *co = lua_touserdata(L, 2);
  if (lua_gettop(L) < 3) {
    if (!lua_checkstack(co, 1)) return luaL_error(L, "no memory");
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
  }
  luaerror_show(L, 3);
  if (!trace) return 1;
  lua_pushfstring(L, "\n%s", trace);
  lua_concat(L, 2);
  return 1;
}

static char *describe_memory(const Vm *vm) {
  return xasprintf("%s: MEMORY: not enough memory: a script may use %zu MiB%s",
                   vm->memory_place, vm->memory_limit >> 20,
                   vm->state == VM_STAGING ? " while it loads" : "");
}

/* Returns new: the text made without a function of the script's (`__tostring`), which may
 * have failed, or for which there is no time left. */
static char *describe_plainly(lua_State *co, const char *trace) {
  Error err;
  const char *between = trace ? "\n" : "";
  if (!trace) trace = "";
  if (lua_type(co, -1) == LUA_TSTRING)
    return xasprintf("%s%s%s", lua_tostring(co, -1), between, trace);
  if (!luaerror_read(co, -1, &err))
    return xasprintf("(an error that cannot be shown)%s%s", between, trace);
  if (err.code == ERR_SCRIPT) return xasprintf("%s%s%s", err.message, between, trace);
  return xasprintf("%s: %s%s%s", error_name(err.code), err.message, between, trace);
}

char *task_describe_error(Vm *vm, lua_State *co, const char *trace) {
  lua_State *L = vm->L;
  if (lua_type(co, -1) == LUA_TSTRING && vm->memory_place[0] &&
      strcmp(lua_tostring(co, -1), "not enough memory") == 0)
    return describe_memory(vm);
  if (watchdog_is_over(vm->host->watchdog)) return describe_plainly(co, trace);
  lua_pushcfunction(L, f_describe);
  lua_pushlightuserdata(L, (void *)trace);
  lua_pushlightuserdata(L, co);
  if (co == L) lua_pushvalue(L, -4);
  WatchdogTurn turn = watchdog_enter(vm, L);
  bool ok = lua_pcall(L, co == L ? 3 : 2, 1, 0) == LUA_OK;
  watchdog_leave(vm, turn);
  const char *text = ok ? lua_tostring(L, -1) : NULL;
  char *copy = text ? xstrdup(text) : NULL;
  lua_pop(L, 1);
  return copy ? copy : describe_plainly(co, trace);
}

/* --- cancelled -------------------------------------------------------------------- */

void task_push_cancelled_error(lua_State *L, const Task *task) {
  Error err;
  if (task->reloaded)
    error_set(&err, ERR_RELOADED,
              "this generation of the script was replaced, and the "
              "grace for its tasks is over");
  else error_set(&err, ERR_CANCELLED, "the task was cancelled while it waited");
  luaerror_push(L, &err);
}

int task_push_cancelled(lua_State *L, void *ctx) {
  (void)ctx;
  task_push_cancelled_error(L, vm_of(L)->host->current);
  return lua_error(L);
}

bool task_is_cancelled_error(lua_State *co) {
  ErrorCode code = luaerror_code(co, -1);
  return code == ERR_CANCELLED || code == ERR_RELOADED;
}

/* --- reports ---------------------------------------------------------------------- */

/* Once the time for scripts is over very many may fail: the first stands for all. */
static bool may_report(Host *host) {
  if (!watchdog_is_over(host->watchdog)) return true;
  bool first = host->late_errors == 0;
  if (first || !host->late_errors_counted) host->late_errors++;
  return first;
}

void task_report_error(Vm *vm, const char *name, lua_State *co, const char *trace) {
  if (!may_report(vm->host)) return;
  char *text = task_describe_error(vm, co, trace);
  log_write(vm->host->log, LOG_ERROR, vm->owner->name, "error in %s: %s", name, text);
  vm->hooks->failed(vm, text);
  free(text);
}

void task_log_slow(const Task *task, double ms) {
  char name[TASK_NAME_ROOM];
  log_write(task->host->log, LOG_WARN, task->vm->owner->name,
            "%s ran for about %.0f ms without waiting", task_name(task, name), ms);
}

void task_log_stopped(const Task *task) {
  char name[TASK_NAME_ROOM];
  if (task->vm->sharing && task->vm->stopped++) return;
  log_write(task->host->log, LOG_WARN, task->vm->owner->name,
            "%s was cancelled and went on waiting: it is stopped", task_name(task, name));
}

const char *task_trace(const Task *task) {
  return task->trace;
}
