/* The end of a task, for others: listeners, and the results kept for them. */
#ifndef TIDELOCK_VM_TASK_END_H
#define TIDELOCK_VM_TASK_END_H

#include "vm/task_types.h"

bool task_is_finished(const Task *task);
bool task_ended_well(const Task *task); /* a finished one: it raised no error */
/* Adds a listener to a task that is not finished; the caller holds a reference. */
void task_on_end(Task *task, TaskEnd *end);
void task_off_end(Task *task, TaskEnd *end); /* harmless when it was called already */
void task_notify_end(Task *task);            /* calls the listeners, each once */

/* Keeps the n values on top of co as the task's results; pops them. */
void task_keep_results(Task *task, lua_State *co, int n);
/* Pushes what a finished task returned, or what it raised, packed in a table, and gives
 * the reference up. Returns whether the task ended well. Cannot raise. */
bool task_take_results(lua_State *L, Task *task);
/* Unpacks the table on top, inside protection: pushes its values, returns how many. `ok`
 * is what task_take_results returned. */
int task_unpack_results(lua_State *L, bool ok);

#endif
