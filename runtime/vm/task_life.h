/* The parts of a task: its record, its name, its coroutine. Records and coroutines of
 * tasks that ended well are reused.
 *
 * A task is freed with its last reference: its Vm's list holds one until the task is
 * finished, each Lua handle and each awaiter another. */
#ifndef TIDELOCK_VM_TASK_LIFE_H
#define TIDELOCK_VM_TASK_LIFE_H

#include "vm/task_types.h"

enum { TASK_NAME_ROOM = 128 };

/* Returns a new task, with a coroutine, in the list of its Vm, which holds the reference;
 * NULL when there is no memory (reported). `on_event` runs when its event, which it
 * queues itself, comes. */
Task *task_new(Vm *vm, TaskName name, void (*on_event)(Event *event));
void task_ref(Task *task);
void task_unref(Task *task);
/* Takes a task that ends out of the list; does not give the list's reference up. */
void task_unlink(Task *task);
/* Takes the coroutine back. One that is not reusable is closed, which runs the `__close`
 * methods pending in it. */
void task_give_coroutine(Task *task, bool reusable);
void tasks_free(Host *host); /* the records kept for reuse */

size_t task_size(void); /* bytes of a record */
/* Writes the task's name as reports have it; returns `out`. */
const char *task_name(const Task *task, char out[TASK_NAME_ROOM]);

#endif
