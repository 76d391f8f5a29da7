/* Waiting inside a task, cancelling one that waits, and waiting for another's end.
 *
 * A binding that waits does so:
 *     Task *task = task_waiter(L, "socket:call");   raises where waiting is not allowed
 *     ... start the operation, keeping `task` and a Wait ...
 *     return task_wait(L, task, &op->wait);         yields
 * and when the operation ends, in dispatch:
 *     task_wake(task, push, op);                    runs `push`, protected, in its task
 *
 * A task that is cancelled or killed first calls wait->cancel, after which the operation
 * must not wake it: whoever waits owns the operation, and cancel releases it. */
#ifndef TIDELOCK_VM_TASK_WAIT_H
#define TIDELOCK_VM_TASK_WAIT_H

#include "vm/task.h"

/* The task that runs, which may wait now; raises otherwise. `what` is the function as the
 * script calls it. Borrows. */
Task *task_waiter(lua_State *L, const char *what);
int task_wait(lua_State *L, Task *task, Wait *wait);
int task_wait_turn(lua_State *L, Task *task); /* until all that is queued has run */

/* Its wait raises CANCELLED; one that runs meets that at its next wait. */
void task_cancel(Task *task);
/* The same with RELOADED; a task that has not begun never will. */
void task_cut(Task *task);
void task_cancel_all(Vm *vm); /* but those that last */
void task_cut_all(Vm *vm);

/* Waits for another task to end; to be returned from a binding. Pushes its results or
 * raises its error. */
int task_await(lua_State *L, Task *target);

#endif
