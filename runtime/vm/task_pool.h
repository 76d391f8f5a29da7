/* The coroutines of a generation's tasks: those that have ended well are used again. */
#ifndef TIDELOCK_VM_TASK_POOL_H
#define TIDELOCK_VM_TASK_POOL_H

#include "vm/task.h"

/* Gives the task a coroutine; false when there is no memory for one. */
bool task_take_coroutine(Task *task);
/* Takes it back; one that is not reusable is closed, which runs what is pending in it. */
void task_give_coroutine(Task *task, bool reusable);

#endif
