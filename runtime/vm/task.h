/* Tasks: coroutines that may wait, taken from a pool. Each handler runs in one. How one
 * waits: task_wait.h. */
#ifndef TIDELOCK_VM_TASK_H
#define TIDELOCK_VM_TASK_H

#include "vm/task_types.h"

/* Starts a task now and runs it until its first wait. `push` pushes the function and its
 * arguments and returns the number of arguments; less than 0: nothing is to be called.
 * `done` may be NULL. */
void task_start(Vm *vm, TaskName name, TaskPush *push, void *ctx, TaskDone *done,
                void *done_ctx);
/* The same for a function without arguments, by its reference in the registry: the task
 * has less to set up. */
void task_start_referred(Vm *vm, TaskName name, int function);
/* Calls functions one after another, as if each were a task of its own: `next` pushes one
 * and its arguments and returns how many these are; less than 0: there are no more. They
 * share a task, until one waits, raises or takes long: then that task is this one's, and
 * the others get another. `next` is not called again for one that it has pushed. */
void task_start_each(Vm *vm, TaskName name, TaskPush *next, void *ctx);
/* As task_start, but only prepared: returns the task (borrowed) for task_run_prepared, or
 * NULL when push failed (reported). */
Task *task_prepare(Vm *vm, TaskName name, TaskPush *push, void *ctx, TaskDone *done,
                   void *done_ctx);
void task_run_prepared(Task *task);
/* Takes function and nargs arguments from the top of L; starts with the next turn.
 * Borrows. */
Task *task_spawn(lua_State *L, int nargs);

/* Goes on with a task that waits: `push` pushes the results of the wait. */
void task_wake(Task *task, TaskPush *push, void *ctx);
void task_wake_later(Task *task, TaskPush *push, void *ctx); /* by the inbox */
void task_kill(Task *task); /* ends it without running it again */

/* What the task is done for, compared by its address alone; the tasks that it spawns are
 * done for the same. NULL: nothing in particular. */
void task_set_scope(Task *task, const void *scope);
const void *task_scope(const Task *task);
/* It goes on when all tasks of its generation are cancelled, and so do those that it
 * spawns: the core's, whose end another has in hand. */
void task_set_lasting(Task *task);

Vm *task_vm(const Task *task); /* NULL once its generation is gone */
Host *task_host(const Task *task);
size_t task_count(const Vm *vm); /* those that have not finished */

#endif
