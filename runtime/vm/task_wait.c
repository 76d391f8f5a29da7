/* Waiting: see task_wait.h. */
#include "vm/task_wait.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/source_line.h"
#include "vm/sliced.h"
#include "vm/task_end.h"
#include "vm/task_error.h"
#include "vm/task_life.h"
#include "vm/task_parts.h"
#include "vm/watchdog.h"

/* A cancelled task may catch the error of its wait, and wait again, without end. After a
 * few times it is stopped like a turn that is late: past every pcall. */
static void refuse_wait(lua_State *L, Task *task) {
  enum { MOST_REFUSED = 8 };
  if (++task->refused > MOST_REFUSED && !task->stopped) {
    task->stopped = true;
    watchdog_stop(task->host->watchdog);
  }
  task_push_cancelled(L, NULL);
}

Task *task_waiter(lua_State *L, const char *what) {
  Vm *vm = vm_of(L);
  need_pure(L, what);
  if (vm->state == VM_STAGING)
    source_line_raise(L,
                      "%s waits, which a script cannot do while it loads: "
                      "do it in script.on_start(function() ... end) or a handler",
                      what);
  Task *task = vm->host->current;
  if (!task || task->vm != vm || !lua_isyieldable(L) || vm->host->blocked)
    source_line_raise(
        L,
        "%s waits, which is not possible here (inside a store's change, a comparison "
        "of table.sort, a gsub callback, an iterator or metamethod run by C): use "
        "task.spawn",
        what);
  if (task->cancelled) refuse_wait(L, task);
  return task;
}

static int wait_over(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  Task *task = (Task *)ctx;
  TaskPush *push = task->push;
  task->push = NULL;
  return sliced_return(L, push(L, task->push_ctx));
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

/* --- cancelling ------------------------------------------------------------------- */

void task_cancel(Task *task) {
  if (task->finished || task->cancelled) return;
  task->cancelled = true;
  if (!task->wait) return; /* it runs, or is about to: its next wait raises */
  Wait *wait = task->wait;
  task->wait = NULL;
  wait->cancel(wait);
  task_wake_later(task, task_push_cancelled, NULL);
}

void task_cut(Task *task) {
  task->reloaded = true;
  if (task->started || task->queued) task_cancel(task);
  else task_kill(task); /* an event that waited for a serial handler */
}

void task_cancel_all(Vm *vm) {
  for (Task *t = vm->tasks; t; t = t->next)
    if (!t->lasts) task_cancel(t);
}

void task_cut_all(Vm *vm) {
  for (Task *t = vm->tasks, *next; t; t = next) {
    next = t->next;
    task_cut(t);
  }
}

/* --- awaiting another task -------------------------------------------------------- */

typedef struct Awaiter {
  Wait wait;
  TaskEnd end;
  Task *task, *target;
} Awaiter;

static int push_results(lua_State *L, void *ctx) {
  bool ok = task_take_results(L, ctx);
  int n = task_unpack_results(L, ok);
  return ok ? n : lua_error(L); /* then there is one: what it raised */
}

static int push_awaited(lua_State *L, void *ctx) {
  Task *task = ctx, *target = task->awaited;
  task->awaited = NULL;
  return push_results(L, target);
}

static void cancel_await(Wait *wait) {
  Awaiter *awaiter = CONTAINER_OF(wait, Awaiter, wait);
  task_off_end(awaiter->target, &awaiter->end);
  task_unref(awaiter->target);
  free(awaiter);
}

static void await_over(TaskEnd *end) {
  Awaiter *awaiter = CONTAINER_OF(end, Awaiter, end);
  Task *task = awaiter->task;
  task->awaited = awaiter->target;
  free(awaiter);
  task_wake_later(task, push_awaited, task);
}

int task_await(lua_State *L, Task *target) {
  Task *task = task_waiter(L, "task:await");
  if (target == task) return luaL_error(L, "a task cannot await itself");
  task_ref(target);
  if (target->finished) return push_results(L, target);
  Awaiter *awaiter = xcalloc(1, sizeof *awaiter);
  *awaiter = (Awaiter){.wait.cancel = cancel_await,
                       .end.ended = await_over,
                       .task = task,
                       .target = target};
  task_on_end(target, &awaiter->end);
  return task_wait(L, task, &awaiter->wait);
}
