/* What starts a task, waits in one or listens for its end is written with these types.
 * The record itself, Task, is opaque outside of vm/: see task_parts.h. */
#ifndef TIDELOCK_VM_TASK_TYPES_H
#define TIDELOCK_VM_TASK_TYPES_H

#include "vm/vm.h"

typedef struct Wait Wait;
struct Wait {
  void (*cancel)(Wait *wait);
};

/* Runs in the task, protected: may raise. Pushes values, returns how many. */
typedef int TaskPush(lua_State *L, void *ctx);

/* How a task ended. Of the last three only TASK_NOT_BEGUN is the script's own failure. */
typedef enum TaskOutcome {
  TASK_FAILED,    /* its function raised an error, which has been reported */
  TASK_OK,        /* its function returned */
  TASK_NOT_BEGUN, /* there was no memory for it, which has been reported */
  TASK_ABANDONED, /* the time of the scripts, or of the cancelled generation, is over */
  TASK_KILLED     /* with its generation */
} TaskOutcome;

/* The end of a task started from C, called once: `results` values (TASK_OK), or the error
 * value (TASK_FAILED), lie on top of co; for all others co is NULL. Must not raise. */
typedef void TaskDone(void *ctx, lua_State *co, int results, TaskOutcome outcome);

/* A listener for the end of a task; embedded, called once. While a task has one, its
 * error is the listener's to report. */
typedef struct TaskEnd TaskEnd;
struct TaskEnd {
  TaskEnd *next;
  void (*ended)(TaskEnd *end);
};

/* Who a task is, for reports: "the handler of chat: new_message". `what` is static text;
 * the other parts may be NULL and are copied, cut where too long. */
typedef struct TaskName {
  const char *what, *of, *event;
  size_t event_len;
} TaskName;
#define TASK_NAME(w, o) ((TaskName){.what = (w), .of = (o)})

#endif
