/* Errors of tasks: tracebacks, the text of what was raised, the error of a cancelled
 * task, and what the log says of them. */
#ifndef TIDELOCK_VM_TASK_ERROR_H
#define TIDELOCK_VM_TASK_ERROR_H

#include "vm/task_types.h"

/* Whether so many calls are nested that a traceback would take seconds: none is made. */
bool task_is_deep(lua_State *L);
/* For an error handler: sets *trace to a new traceback of where the error was raised, and
 * frees the old one. Leaves the error alone on the stack. May raise. */
void task_keep_trace(lua_State *L, char **trace);
/* The traceback of the error that ended a task; borrowed; NULL: none is known. */
const char *task_trace(const Task *task);
/* Returns new: the text of the error value on top of `co` (a coroutine, or the main
 * thread), and `trace` if not NULL. */
char *task_describe_error(Vm *vm, lua_State *co, const char *trace);
/* Logs that error as one in `name`, and reports it to the Vm's generation. Once the time
 * for scripts is over only the first is reported; the others are counted. */
void task_report_error(Vm *vm, const char *name, lua_State *co, const char *trace);

void task_log_slow(const Task *task, double ms); /* a turn that took so long */
/* Of tasks that a cut ends together the first is logged; the others are counted. */
void task_log_stopped(const Task *task);

/* Pushes CANCELLED, or RELOADED where its generation's grace is over. May raise (memory).
 */
void task_push_cancelled_error(lua_State *L, const Task *task);
/* A TaskPush: raises that error in the task that runs. */
int task_push_cancelled(lua_State *L, void *ctx);
/* Whether the value on top of co is one of these two. */
bool task_is_cancelled_error(lua_State *co);

#endif
