/* Tasks. What always holds:
 *
 * - A task is in its generation's list from creation until it is finished; the list holds
 * one reference, each Lua handle and each awaiter another.
 * - It runs only inside resume(), which is called only in dispatch. A task that is not
 * running is prepared, queued (its event is in the inbox) or has a `wait`.
 * - Values are pushed only inside the coroutine, by `push`: a lack of memory there is an
 * error of that task and of nothing else.
 * - At the bottom of each coroutine lies f_body, a protected call: an error ends the
 * function, not the coroutine; with it hooks come back and `__close` has run. A coroutine
 * that ends in an error all the same is never used again: its hooks may be off. */
#include "vm/task.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm/cstack.h"
#include "bridge/place.h"
#include "vm/hold.h"
#include "bridge/luaerror.h"
#include "vm/vm.h"
#include "vm/task_cancel.h"
#include "vm/task_pool.h"
#include "vm/watchdog.h"

/* --- life ------------------------------------------------------------------------- */

static void on_event(Event *event);

static void copy_part(char *to, size_t room, const char *from, size_t len) {
  if (len >= room) len = room - 1;
  if (len) memcpy(to, from, len);
  to[len] = '\0';
}

static void set_name(Task *task, TaskName name) {
  task->what = name.what;
  copy_part(task->of, sizeof task->of, name.of, name.of ? strlen(name.of) : 0);
  copy_part(task->event_name, sizeof task->event_name, name.event, name.event_len);
}

/* Puts the name together: only when somebody is told. */
static const char *name_of(const Task *task, char out[128]) {
  snprintf(out, 128, "%s%s%s%s%s", task->what, *task->of ? " " : "", task->of,
           *task->event_name ? ": " : "", task->event_name);
  return out;
}

/* With what it waits for: a timer, a request, another task. */
enum { TASK_BYTES = sizeof(Task) + 256 };

/* Finished tasks are used again: one starts with each event. */
static Task *take_task(Host *host) {
  Task *task = host->free_tasks;
  if (!task) return xcalloc(1, sizeof *task);
  host->free_tasks = task->next;
  memset(task, 0, offsetof(Task, what));
  return task;
}

static void give_task(Task *task) {
  charge_let_go(task->charge, TASK_BYTES);
  task->next = task->host->free_tasks;
  task->host->free_tasks = task;
}

void tasks_free(Host *host) {
  while (host->free_tasks) {
    Task *task = host->free_tasks;
    host->free_tasks = task->next;
    free(task);
  }
}

static Task *task_new(Vm *vm, TaskName name) {
  Task *task = take_task(vm->host);
  task->vm = vm;
  task->host = vm->host;
  task->charge = charge_hold(vm->owner->charge, TASK_BYTES);
  task->refs = 1;
  task->results = LUA_NOREF;
  task->event.run = on_event;
  set_name(task, name);
  if (!task_take_coroutine(task)) {
    char text[128];
    log_write(vm->host->log, LOG_ERROR, vm->owner->name, "%s: no memory for a task",
              name_of(task, text));
    vm->hooks->failed(vm, "no memory for a task");
    give_task(task);
    return NULL;
  }
  task->next = vm->tasks;
  if (vm->tasks) vm->tasks->prev = task;
  vm->tasks = task;
  return task;
}

void task_ref(Task *task) {
  task->refs++;
}

void task_unref(Task *task) {
  if (--task->refs > 0) return;
  CHECK(task->finished);
  if (task->vm) luaL_unref(task->vm->L, LUA_REGISTRYINDEX, task->results);
  free(task->trace);
  give_task(task);
}

static void unlink_task(Task *task) {
  if (task->prev) task->prev->next = task->next;
  else task->vm->tasks = task->next;
  if (task->next) task->next->prev = task->prev;
  task->prev = task->next = NULL;
}

/* Runs protected on co: packs what lies above index 1 (a light pointer to the task). */
static int f_pack_results(lua_State *L) {
  int n = lua_gettop(L);
  lua_createtable(L, n, 1);
  lua_insert(L, 1);
  lua_pushinteger(L, n);
  lua_setfield(L, 1, "n");
  for (int i = n; i >= 1; i--) lua_rawseti(L, 1, i);
  lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
  return 1;
}

/* Keeps the n values on top of co for those who await; pops them. */
static void keep_results(Task *task, lua_State *co, int n) {
  lua_checkstack(co, 2);
  lua_pushcfunction(co, f_pack_results);
  lua_insert(co, -(n + 1));
  if (lua_pcall(co, n, 1, 0) == LUA_OK) task->results = (int)lua_tointeger(co, -1);
  lua_pop(co, 1);
}

static void tell_end(Task *task) {
  while (task->ends) {
    TaskEnd *end = task->ends;
    task->ends = end->next;
    end->ended(end);
  }
}

static bool is_cancelled_error(lua_State *co) {
  ErrorCode code = luaerror_code(co, -1);
  return code == ERR_CANCELLED || code == ERR_RELOADED;
}

/* --- reporting -------------------------------------------------------------------- */

static void report(Task *task) {
  Vm *vm = task->vm;
  char name[128], *text = task_describe(vm, task->co, task->trace);
  log_write(vm->host->log, LOG_ERROR, vm->owner->name, "error in %s: %s",
            name_of(task, name), text);
  vm->hooks->failed(vm, text);
  free(text);
}

static void tell_slow(Task *task, double ms) {
  char name[128];
  log_write(task->host->log, LOG_WARN, task->vm->owner->name,
            "%s ran for about %.0f ms without waiting", name_of(task, name), ms);
}

/* Of those that end together one is told, the others are counted. */
static void tell_stopped(Task *task) {
  char name[128];
  if (task->vm->sharing && task->vm->stopped++) return;
  log_write(task->host->log, LOG_WARN, task->vm->owner->name,
            "%s was cancelled and went on waiting: it is stopped", name_of(task, name));
}

/* --- ending ----------------------------------------------------------------------- */

/* The function ended: n values, or one error value, lie on top of the coroutine, which
 * `lives` if it can be used again. */
static void finish(Task *task, bool ok, int n, bool lives) {
  lua_State *co = task->co;
  Vm *vm = task->vm;
  task->finished = true;
  task->ok = ok;
  bool told = task->ends || vm->state == VM_STAGING || /* script.c tells */
              (!ok && task->cancelled && is_cancelled_error(co));
  if (!ok && !told && host_tells(vm->host)) report(task);
  if (task->stopped) tell_stopped(task);
  if (task->done) task->done(task->done_ctx, co, n, ok);
  if (task->refs > 1 && lives) keep_results(task, co, n);
  tell_end(task);
  task_give_coroutine(task, lives);
  unlink_task(task);
  task_unref(task);
  vm->hooks->task_ended(vm);
}

/* --- running ---------------------------------------------------------------------- */

/* Lua counts the nested calls of the turn this one is started in, if there is one; the
 * text is a string that the state has already: nothing is allocated for it. */
static int run(Task *task, lua_State *outer, int nargs, int *n) {
  lua_State *co = task->co;
  if (!cstack_is_low(task->host))
    return lua_resume(co, outer ? outer : task->vm->L, nargs, n);
  lua_settop(co, 0);
  lua_pushstring(co, cstack_overflow);
  *n = 1;
  return LUA_ERRRUN;
}

/* Resumes the coroutine with what lies on its stack. */
static void resume(Task *task, int nargs) {
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
  int n, status = run(task, turn.running, nargs, &n);
  double slow = watchdog_leave(vm, turn);
  if (vm->reports_turns) vm->hooks->turn_ended(vm);
  host->current = outer;
  host->blocked = blocked;
  if (slow > 0 && vm->state != VM_STAGING) tell_slow(task, slow);
  if (status == LUA_OK) {
    finish(task, !task->raised, n, true);
  } else if (status != LUA_YIELD) {
    finish(task, false, 1, false);
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
  if (host->stopping && task->cancelled && is_cancelled_error(L)) return 1; /* untold */
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
  resume(task, 2);
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
  Task *task = task_new(vm, name);
  if (!task) return NULL;
  Prepared p = {push, ctx};
  lua_pushcfunction(task->co, f_prepare);
  lua_pushlightuserdata(task->co, &p);
  if (lua_pcall(task->co, 1, LUA_MULTRET, 0) != LUA_OK) {
    finish(task, false, 1, true);
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
  Task *task =
      held ? task_prepare(vm, name, push, ctx, done, done_ctx) : task_new(vm, name);
  if (!task) {
    if (done) done(done_ctx, NULL, 0, false);
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

void task_run_prepared(Task *task) {
  CHECK(!task->started);
  if (hold_wanted(task->vm)) hold_task(task);
  else resume(task, task->args);
}

Task *task_spawn(lua_State *L, int nargs) {
  Vm *vm = vm_of(L);
  lua_Debug where;
  place_find_function(L, nargs, &where);
  Task *task = task_new(vm, TASK_NAME("the task of", where.short_src));
  if (task)
    snprintf(task->event_name, sizeof task->event_name, "line %d", where.linedefined);
  if (!task) luaL_error(L, "no memory for a task");
  if (!lua_checkstack(task->co, nargs + 2)) {
    task_give_coroutine(task, true);
    unlink_task(task);
    task->finished = true;
    task_unref(task);
    luaL_error(L, "too many arguments");
  }
  lua_pushcfunction(task->co, f_body);
  lua_xmove(L, task->co, nargs + 1);
  task->args = nargs + 1;
  task->queued = true;
  inbox_push(vm->host->loop, &task->event);
  return task;
}

/* Ends it as failed without running it again. */
static void abandon(Task *task) {
  Vm *vm = task->vm;
  task->finished = true;
  if (task->awaited) task_unref(task->awaited);
  if (task->done) task->done(task->done_ctx, NULL, 0, false);
  tell_end(task);
  task_give_coroutine(task, false);
  unlink_task(task);
  task_unref(task);
  vm->hooks->task_ended(vm);
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
    abandon(task);
  } else if (hold_wanted(task->vm)) {
    hold_task(task);
  } else if (task->started && !task->push) {
    resume(task, 0); /* the next slice of a top level */
  } else if (task->push == hold_push) {
    resume(task, task->args);
  } else if (task->started) {
    TaskPush *push = task->push;
    task->push = NULL;
    task_wake(task, push, task->push_ctx);
  } else if (task->cancelled) {
    lua_settop(task->co, 0);
    start_pushing(task, task_push_cancelled, NULL);
  } else {
    resume(task, task->args);
  }
}

/* --- waiting ---------------------------------------------------------------------- */

Task *task_waiter(lua_State *L, const char *what) {
  Vm *vm = vm_of(L);
  if (vm->state == VM_STAGING)
    place_raise(L,
                "%s waits, which a script cannot do while it loads: "
                "do it in script.on_start(function() ... end) or a handler",
                what);
  Task *task = vm->host->current;
  if (!task || task->vm != vm || !lua_isyieldable(L) || vm->host->blocked)
    place_raise(
        L,
        "%s waits, which is not possible here (inside a store's change, a comparison "
        "of table.sort, a gsub callback, an iterator or metamethod run by C): use "
        "task.spawn",
        what);
  if (task->cancelled) task_refuse_wait(L, task);
  return task;
}

static int wait_over(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  Task *task = (Task *)ctx;
  TaskPush *push = task->push;
  task->push = NULL;
  return push(L, task->push_ctx);
}

int task_wait(lua_State *L, Task *task, Wait *wait) {
  CHECK(task->wait == NULL && wait != NULL);
  task->wait = wait;
  return lua_yieldk(L, 0, (lua_KContext)task, wait_over);
}

static int push_turn(lua_State *L, void *ctx) {
  Task *task = ctx;
  return task->cancelled ? task_push_cancelled(L, NULL) : 0;
}

int task_wait_turn(lua_State *L, Task *task) {
  task_wake_later(task, push_turn, task);
  return lua_yieldk(L, 0, (lua_KContext)task, wait_over);
}

void task_wake(Task *task, TaskPush *push, void *ctx) {
  CHECK(!task->finished && task->started);
  if (!hold_wanted(task->vm)) {
    task->push = push;
    task->push_ctx = ctx;
    resume(task, 0);
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
  if (done) done(task->done_ctx, NULL, 0, false);
  task_give_coroutine(task, false);
  unlink_task(task);
  task->results = LUA_NOREF;
  task->vm = NULL;
  if (!task->queued) task_unref(task);
}
