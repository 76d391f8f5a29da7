/* Tasks: coroutines that may wait, taken from a pool. Each handler runs in one.
 *
 * A binding that waits does so:
 *     Task *task = task_waiter(L, "socket:call");   raises where waiting is not allowed
 *     ... start the operation, keeping `task` and a Wait ...
 *     return task_wait(L, task, &op->wait);         yields
 * and when the operation ends, in dispatch:
 *     task_wake(task, push_result, op);             push runs protected, inside the
 * coroutine A task that is cancelled or killed first calls wait->cancel, after which the
 * operation must not wake it: whoever waits owns the operation, and cancel releases it.
 */
#ifndef TIDELOCK_VM_TASK_H
#define TIDELOCK_VM_TASK_H

#include "vm/vm.h"

typedef struct Wait Wait;
struct Wait {
  void (*cancel)(Wait *wait);
};

/* Runs in the task, protected: may raise. Pushes values, returns how many. */
typedef int TaskPush(lua_State *L, void *ctx);

/* The end of a task started from C: `results` values lie on top of co, or, when it failed
 * (it has been reported), the error value does. co is NULL when the task was killed. Must
 * not raise. */
typedef void TaskDone(void *ctx, lua_State *co, int results, bool ok);

/* Somebody who wants to hear that a task has ended; embedded, told once. While there is
 * one, an error of the task is his to tell. */
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

struct Task {
  Task *prev, *next; /* in the generation's list, until it is done */
  Vm *vm;            /* NULL once the generation is gone */
  Host *host;
  lua_State *co; /* NULL once done */
  int co_ref;
  int refs;
  Wait *wait;
  TaskPush *push; /* what the next resumption pushes */
  void *push_ctx;
  TaskDone *done;
  void *done_ctx;
  Event event;
  int args; /* on the coroutine's stack, above the function, until it is started */
  bool started, queued, cancelled, finished, ok;
  bool reloaded;  /* cancelled because its version's grace is over */
  bool failed;    /* what it was woken with while held back is an error */
  bool stopped;   /* cancelled, it went on waiting, and was stopped past every pcall */
  int refused;    /* waits that were, in the turn that runs */
  bool raised;    /* its function ended in an error, which is the one result */
  char *trace;    /* where that error was raised; owned; NULL: not known */
  Charge *charge; /* of its script, for the task and what it waits for; a reference */
  TaskEnd *ends;
  Task *awaited;    /* whose results it was woken for; holds a reference */
  int results;      /* reference of a packed table, for those who await */
  const char *what; /* its name, in parts: see TaskName */
  char of[32], event_name[48];
};

/* Starts a task now and runs it until its first wait. `push` pushes the function and its
 * arguments and returns the number of arguments; less than 0: nothing is to be called.
 * `done` may be NULL. */
void task_start(Vm *vm, TaskName name, TaskPush *push, void *ctx, TaskDone *done,
                void *done_ctx);
/* The same, but only prepared: returns the task (borrowed) for task_run_prepared, or NULL
 * when push failed (reported). */
Task *task_prepare(Vm *vm, TaskName name, TaskPush *push, void *ctx, TaskDone *done,
                   void *done_ctx);
void task_run_prepared(Task *task);
/* Takes function and nargs arguments from the top of L; starts with the next turn.
 * Borrows. */
Task *task_spawn(lua_State *L, int nargs);

Task *task_waiter(lua_State *L, const char *what);
int task_wait(lua_State *L, Task *task, Wait *wait);
int task_wait_turn(lua_State *L, Task *task); /* until all that is queued has run */
void task_wake(Task *task, TaskPush *push, void *ctx);
void task_wake_later(Task *task, TaskPush *push, void *ctx); /* by the inbox */
void task_cancel(Task *task);
/* The same with RELOADED; what has not begun never will. */
void task_cut(Task *task);
void task_kill(Task *task); /* ends it without running it again */

void tasks_free(Host *host); /* those kept to be used again */
void task_ref(Task *task);
void task_unref(Task *task);
void task_on_end(Task *task, TaskEnd *end);  /* of one not finished; hold a reference */
void task_off_end(Task *task, TaskEnd *end); /* harmless when it was told */
/* Pushes what a finished task returned, or what it raised, packed, for unpacking inside
 * protection; gives the reference up. Returns whether it ended well. Cannot raise. */
bool task_take_results(lua_State *L, Task *task);
int task_unpack_results(lua_State *L,
                        bool ok); /* from the top; pushes; returns how many */
/* Waits for another task to end; to be returned from a binding. Pushes its results or
 * raises its error. */
int task_await(lua_State *L, Task *target);

/* For an error handler: *trace becomes new, the traceback of where the error was raised;
 * what it was is freed. Leaves the error alone on the stack. May raise. */
/* Whether so many calls are nested that a traceback would take seconds: there is none. */
bool task_is_deep(lua_State *L);
void task_keep_trace(lua_State *L, char **trace);
/* Returns new: the text of the error value on top of `co` (a coroutine, or the main
 * thread), and `trace` if not NULL. */
char *task_describe(Vm *vm, lua_State *co, const char *trace);

/* coroutine.* as scripts see it: waits pass through. Pushes the library's table. */
int coroutine_open(lua_State *L);

#endif
