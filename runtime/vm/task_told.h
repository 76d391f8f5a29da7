/* What is told of a task, and by which name: tasks alone include it. */
#ifndef TIDELOCK_VM_TASK_TOLD_H
#define TIDELOCK_VM_TASK_TOLD_H

#include "vm/task.h"

void task_set_name(Task *task, TaskName name); /* copies it */
/* There is no memory for its coroutine; vm: whose it is. */
void task_tell_no_memory(const Task *task, Vm *vm);
/* The error on top of its coroutine, to the log and to whoever watches its Vm. */
void task_tell_error(const Task *task);
void task_tell_slow(const Task *task, double ms);
void task_tell_stopped(const Task *task); /* it was cancelled, and went on waiting */

#endif
