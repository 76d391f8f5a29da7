/* Tasks. What always holds:
 *
 * - A task is in its Vm's list from creation until it is finished.
 * - It runs only inside resume_task(), which is called only in dispatch. A task that is
 *   not running is prepared, queued (its event is in the inbox) or has a `wait`.
 * - Values are pushed only inside the coroutine, by `push`: a lack of memory there is an
 *   error of that task and of nothing else.
 * - At the bottom of each coroutine lies f_body, a protected call: an error ends the
 *   function, not the coroutine. With it hooks come back, and `__close` has run. A
 *   coroutine that ends in an error all the same is never used again: its hooks may be
 *   off. */
#include "vm/task.h"

#include <lauxlib.h>
#include <stdio.h>

#include "bridge/source_line.h"
#include "vm/cstack.h"
#include "vm/hold.h"
#include "vm/state.h"
#include "vm/task_end.h"
#include "vm/task_error.h"
#include "vm/task_life.h"
#include "vm/task_parts.h"
#include "vm/watchdog.h"

static void on_event(Event *event);

/* --- ending ----------------------------------------------------------------------- */

/* By a listener, or by transaction.c. The error of a cancelled task is not reported at
 * all. */
static bool is_reported_elsewhere(const Task *task) {
  return task->ends || task->vm->state == VM_STAGING ||
         (task->cancelled && task_is_cancelled_error(task->co));
}

static void report_end(const Task *task) {
  char name[TASK_NAME_ROOM];
  if (!task->ok && !is_reported_elsewhere(task))
    task_report_error(task->vm, task_name(task, name), task->co, task->trace);
  if (task->stopped) task_log_stopped(task);
}

/* The function ended: n values, or one error value, lie on top of the coroutine, which
 * `lives` if it can be used again. */
static void finish_task(Task *task, bool ok, int n, bool lives) {
  lua_State *co = task->co;
  Vm *vm = task->vm;
  task->finished = true;
  task->ok = ok;
  if (!ok || task->stopped) report_end(task);
  if (task->done) task->done(task->done_ctx, co, n, ok ? TASK_OK : TASK_FAILED);
  if (task->refs > 1 && lives) task_keep_results(task, co, n);
  task_notify_end(task);
  task_give_coroutine(task, lives);
  task_unlink(task);
  task_unref(task);
  vm->hooks->task_ended(vm);
}

/* --- running ---------------------------------------------------------------------- */

/* Lua counts the nested calls of the turn this one is started in, if there is one; the
 * text is a string that the state has already: nothing is allocated for it. */
static int run_coroutine(Task *task, lua_State *outer, int nargs, int *n) {
  lua_State *co = task->co;
  if (!cstack_is_low(task->host))
    return lua_resume(co, outer ? outer : task->vm->L, nargs, n);
  lua_settop(co, 0);
  lua_pushstring(co, cstack_overflow);
  *n = 1;
  return LUA_ERRRUN;
}

/* Resumes the coroutine with what lies on its stack. */
static void resume_task(Task *task, int nargs) {
  Vm *vm = task->vm;
  Host *host = vm->host;
  Task *outer = host->current;
  task->wait = NULL;
  task->started = true;
  task->refused = 0;
  host->current = task;
  int blocked = host->blocked;
  host->blocked = 0;
  WatchdogTurn turn = watchdog_enter(vm, task->co);
  if (task->cancelled) watchdog_share(vm);
  int n, status = run_coroutine(task, turn.running, nargs, &n);
  double slow = watchdog_leave(vm, turn);
  if (vm->refused) hold_collect(vm);
  if (vm->reports_turns) vm->hooks->turn_ended(vm);
  host->current = outer;
  host->blocked = blocked;
  if (slow > 0 && vm->state != VM_STAGING) task_log_slow(task, slow);
  if (status == LUA_OK) {
    finish_task(task, !task->raised, n, true);
  } else if (status != LUA_YIELD) {
    finish_task(task, false, 1, false);
  } else if (!task->wait && !task->queued) { /* a slice of a slow top level is over */
    lua_pop(task->co, n);
    task->queued = true;
    inbox_push(host->loop, &task->event);
  }
}

typedef struct Prepared {
  TaskPush *push;
  void *ctx;
} Prepared;

/* The error handler of every task. It is called too for what a `__close` raises when the
 * coroutine of a task is reset, which does not run any more. */
static int f_keep_trace(lua_State *L) {
  const Host *host = vm_of(L)->host;
  Task *task = host->current;
  if (!task || task->co != L) return 1;
  if (host->stopping && task->cancelled && task_is_cancelled_error(L)) return 1;
  task_keep_trace(L, &task->trace);
  return 1;
}

static int body_over(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - 1;
  watchdog_explain(L);
  lua_sethook(L, NULL, 0, 0); /* if it was too late: it is stopped now */
  Task *task = vm_of(L)->host->current;
  task->raised = true;
  if (task->stopped) task_push_cancelled_error(L, task);
  return 1;
}

/* The bottom of every task's coroutine: (function, args...) → its results, or its error.
 */
static int f_body(lua_State *L) {
  if (lua_gettop(L) == 0) return 0; /* nothing is to be called */
  lua_pushcfunction(L, f_keep_trace);
  lua_insert(L, 1);
  return body_over(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, 0, body_over), 0);
}

static int entry_done(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return lua_gettop(L);
}

/* Pushes function and arguments inside the coroutine, so that an error there is the
 * task's own. */
static int f_entry(lua_State *L) {
  Prepared *p = lua_touserdata(L, 1);
  lua_settop(L, 0);
  int nargs = p->push(L, p->ctx);
  if (nargs < 0) return 0;
  lua_callk(L, nargs, LUA_MULTRET, 0, entry_done);
  return lua_gettop(L);
}

static void start_pushing(Task *task, TaskPush *push, void *ctx) {
  Prepared p = {push, ctx};
  lua_pushcfunction(task->co, f_body);
  lua_pushcfunction(task->co, f_entry);
  lua_pushlightuserdata(task->co, &p);
  resume_task(task, 2);
}

static int f_prepare(lua_State *L) {
  Prepared *p = lua_touserdata(L, 1);
  lua_settop(L, 0);
  lua_pushcfunction(L, f_body);
  if (p->push(L, p->ctx) < 0) lua_settop(L, 1);
  return lua_gettop(L);
}

Task *task_prepare(Vm *vm, TaskName name, TaskPush *push, void *ctx, TaskDone *done,
                   void *done_ctx) {
  Task *task = task_new(vm, name, on_event);
  if (!task) return NULL;
  Prepared p = {push, ctx};
  lua_pushcfunction(task->co, f_prepare);
  lua_pushlightuserdata(task->co, &p);
  if (lua_pcall(task->co, 1, LUA_MULTRET, 0) != LUA_OK) {
    finish_task(task, false, 1, true);
    return NULL;
  }
  task->args = lua_gettop(task->co) - 1;
  task->done = done;
  task->done_ctx = done_ctx;
  return task;
}

/* Until its script may go on. */
static void hold_task(Task *task) {
  task->queued = true;
  hold_event(task->vm, &task->event);
}

void task_start(Vm *vm, TaskName name, TaskPush *push, void *ctx, TaskDone *done,
                void *done_ctx) {
  bool held = hold_wanted(vm);
  Task *task = held ? task_prepare(vm, name, push, ctx, done, done_ctx)
                    : task_new(vm, name, on_event);
  if (!task) {
    if (done) done(done_ctx, NULL, 0, TASK_NOT_BEGUN);
    return;
  }
  if (held) {
    hold_task(task);
    return;
  }
  task->done = done;
  task->done_ctx = done_ctx;
  start_pushing(task, push, ctx);
}

/* --- one after another ------------------------------------------------------------ */

typedef struct Each {
  Prepared next;
  bool over; /* there are no more */
} Each;

/* One has waited, and has ended since: the task was its own. */
static int each_over(lua_State *L, int status, lua_KContext ctx) {
  return body_over(L, status, ctx);
}

/* Whether something is to be done between two turns. */
static bool needs_pause(const Vm *vm) {
  const Task *task = vm->host->current;
  return vm->refused || vm->reports_turns || task->cancelled || task->refused ||
         watchdog_has_ticked(vm->host->watchdog);
}

static int f_each(lua_State *L) {
  Each *each = lua_touserdata(L, 1);
  const Vm *vm = vm_of(L);
  lua_settop(L, 0);
  lua_pushcfunction(L, f_keep_trace);
  do {
    int nargs = each->next.push(L, each->next.ctx);
    if (nargs < 0) {
      each->over = true;
      return 0;
    }
    int status = lua_pcallk(L, nargs, 0, 1, 0, each_over);
    if (status != LUA_OK) return body_over(L, status, 0);
  } while (!needs_pause(vm));
  return 0;
}

void task_start_each(Vm *vm, TaskName name, TaskPush *next, void *ctx) {
  Each each = {.next = {next, ctx}};
  while (!each.over && !hold_wanted(vm)) {
    Task *task = task_new(vm, name, on_event);
    if (!task) return;
    lua_pushcfunction(task->co, f_each);
    lua_pushlightuserdata(task->co, &each);
    resume_task(task, 1);
  }
}

static int push_referred(lua_State *L, void *ctx) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, *(const int *)ctx);
  return 0;
}

void task_start_referred(Vm *vm, TaskName name, int function) {
  if (hold_wanted(vm)) {
    task_start(vm, name, push_referred, &function, NULL, NULL);
    return;
  }
  Task *task = task_new(vm, name, on_event);
  if (!task) return;
  lua_pushcfunction(task->co, f_body);
  push_referred(task->co, &function); /* cannot raise */
  resume_task(task, 1);
}

void task_run_prepared(Task *task) {
  CHECK(!task->started);
  if (hold_wanted(task->vm)) hold_task(task);
  else resume_task(task, task->args);
}

Task *task_spawn(lua_State *L, int nargs) {
  Vm *vm = vm_of(L);
  lua_Debug where;
  source_line_of_function(L, nargs, &where);
  Task *task = task_new(vm, TASK_NAME("the task of", where.short_src), on_event);
  if (task)
    snprintf(task->event_name, sizeof task->event_name, "line %d", where.linedefined);
  if (!task) luaL_error(L, "no memory for a task");
  if (!lua_checkstack(task->co, nargs + 2)) {
    task_give_coroutine(task, true);
    task_unlink(task);
    task->finished = true;
    task_unref(task);
    luaL_error(L, "too many arguments");
  }
  lua_pushcfunction(task->co, f_body);
  lua_xmove(L, task->co, nargs + 1);
  task->args = nargs + 1;
  const Task *maker = vm->host->current;
  task->scope = maker ? maker->scope : NULL;
  task->lasts = maker && maker->lasts;
  task->queued = true;
  inbox_push(vm->host->loop, &task->event);
  return task;
}

/* Ends it without running it again. */
static void abandon_task(Task *task) {
  Vm *vm = task->vm;
  task->finished = true;
  if (task->awaited) task_unref(task->awaited);
  if (task->done) task->done(task->done_ctx, NULL, 0, TASK_ABANDONED);
  task_notify_end(task);
  task_give_coroutine(task, false);
  task_unlink(task);
  task_unref(task);
  vm->hooks->task_ended(vm);
}

/* A full state spends a collection on each task that it begins, and fails it. Of many
 * only one in so many is begun, so that the others have their turns. */
static bool must_turn_away(Vm *vm) {
  enum { ONE_IN = 512 };
  bool full = state_is_full(vm);
  vm->turned_away = full ? vm->turned_away + 1 : 0;
  return full && vm->turned_away % ONE_IN != 1;
}

static void on_event(Event *event) {
  Task *task = CONTAINER_OF(event, Task, event);
  task->queued = false;
  if (task->finished) { /* killed while the event was on its way */
    task_unref(task);
    return;
  }
  if (watchdog_is_over(task->host->watchdog) ||
      (task->cancelled && watchdog_share_is_spent(task->vm))) {
    abandon_task(task);
  } else if (hold_wanted(task->vm)) {
    hold_task(task);
  } else if (task->started && !task->push) {
    resume_task(task, 0); /* the next slice of a top level */
  } else if (task->push == hold_push) {
    resume_task(task, task->args);
  } else if (task->started) {
    TaskPush *push = task->push;
    task->push = NULL;
    task_wake(task, push, task->push_ctx);
  } else if (task->cancelled) {
    lua_settop(task->co, 0);
    start_pushing(task, task_push_cancelled, NULL);
  } else if (must_turn_away(task->vm)) {
    lua_settop(task->co, 0);
    lua_pushstring(task->co, "not enough memory"); /* which the state has already */
    finish_task(task, false, 1, true);
  } else {
    resume_task(task, task->args);
  }
}

/* --- waiting ---------------------------------------------------------------------- */

void task_wake(Task *task, TaskPush *push, void *ctx) {
  CHECK(!task->finished && task->started);
  if (!hold_wanted(task->vm)) {
    task->push = push;
    task->push_ctx = ctx;
    resume_task(task, 0);
    return;
  }
  task->wait = NULL;
  hold_values(task, push, ctx);
  task->push = hold_push;
  task->push_ctx = task;
  hold_task(task);
}

void task_wake_later(Task *task, TaskPush *push, void *ctx) {
  CHECK(!task->finished && !task->queued);
  task->wait = NULL;
  task->push = push;
  task->push_ctx = ctx;
  task->queued = true;
  inbox_push(task->vm->host->loop, &task->event);
}

void task_kill(Task *task) {
  if (task->finished) return;
  Wait *wait = task->wait;
  task->wait = NULL;
  if (wait) wait->cancel(wait);
  if (task->awaited) task_unref(task->awaited); /* woken, not yet run */
  task->finished = true;
  TaskDone *done = task->done;
  if (done) done(task->done_ctx, NULL, 0, TASK_KILLED);
  task_give_coroutine(task, false);
  task_unlink(task);
  task->results = LUA_NOREF;
  task->vm = NULL;
  if (!task->queued) task_unref(task);
}

void task_set_scope(Task *task, const void *scope) {
  task->scope = scope;
}

const void *task_scope(const Task *task) {
  return task->scope;
}

void task_set_lasting(Task *task) {
  task->lasts = true;
}

Vm *task_vm(const Task *task) {
  return task->vm;
}

Host *task_host(const Task *task) {
  return task->host;
}

size_t task_count(const Vm *vm) {
  size_t count = 0;
  for (const Task *task = vm->tasks; task; task = task->next) count++;
  return count;
}
