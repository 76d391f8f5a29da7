/* What a task that is cancelled meets at its waits. */
#ifndef TIDELOCK_VM_TASK_CANCEL_H
#define TIDELOCK_VM_TASK_CANCEL_H

#include "vm/task.h"

/* Pushes CANCELLED, or RELOADED where its version's grace is over. May raise (memory). */
void task_push_cancelled_error(lua_State *L, const Task *task);
/* Raises it, inside the task. */
int task_push_cancelled(lua_State *L, void *ctx);
/* The same for a wait that it begins; counts how often. */
void task_refuse_wait(lua_State *L, Task *task);

#endif
