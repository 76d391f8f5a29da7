/* Cancelling tasks: see task_cancel.h. */
#include "vm/task_cancel.h"

#include "bridge/luaerror.h"
#include "vm/watchdog.h"

void task_push_cancelled_error(lua_State *L, const Task *task) {
  Error err;
  if (task->reloaded)
    error_set(&err, ERR_RELOADED,
              "this version of the script was replaced, and the "
              "grace for its tasks is over");
  else error_set(&err, ERR_CANCELLED, "the task was cancelled while it waited");
  luaerror_push(L, &err);
}

/* Inside the task that is cancelled. */
int task_push_cancelled(lua_State *L, void *ctx) {
  (void)ctx;
  task_push_cancelled_error(L, vm_of(L)->host->current);
  return lua_error(L);
}

/* A task may catch what its wait raises, and wait again, without end. After a few times
 * it is stopped as one that is late is: past every pcall. */
void task_refuse_wait(lua_State *L, Task *task) {
  enum { MOST_REFUSED = 8 };
  if (++task->refused > MOST_REFUSED && !task->stopped) {
    task->stopped = true;
    watchdog_stop(task->host->watchdog);
  }
  task_push_cancelled(L, NULL);
}

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
