/* The record of a task, for the files of vm/ that read its fields: opaque elsewhere. A
 * task is owned by its references: see task_life.h. */
#ifndef TIDELOCK_VM_TASK_PARTS_H
#define TIDELOCK_VM_TASK_PARTS_H

#include "vm/task_types.h"

struct Task {
  Task *prev, *next; /* in the Vm's list, until it is finished */
  Vm *vm;            /* NULL once the generation is gone */
  Host *host;
  lua_State *co; /* NULL once done */
  int co_ref;
  int refs;
  Wait *wait;
  TaskPush *push; /* pushes the values of the next resumption */
  void *push_ctx;
  TaskDone *done;
  void *done_ctx;
  Event event;
  int args; /* on the coroutine's stack, above the function, until it is started */
  bool started, queued, cancelled, finished, ok;
  bool reloaded;  /* cancelled because its generation's grace is over */
  bool failed;    /* while it was held back it was woken with an error */
  bool stopped;   /* cancelled, it went on waiting, and was stopped past every pcall */
  bool lasts;     /* see task_set_lasting */
  int refused;    /* waits refused to it, cancelled, in the turn that runs */
  bool raised;    /* its function ended in an error, which is the one result */
  char *trace;    /* where that error was raised; owned; NULL: not known */
  Charge *charge; /* the script's, for the task and its wait; a reference */
  TaskEnd *ends;
  Task *awaited;     /* whose results it was woken for; holds a reference */
  int results;       /* reference of a packed table, for awaiters */
  const void *scope; /* see task_set_scope */
  const char *what;  /* its name, in parts: see TaskName */
  char of[32], event_name[48];
};

#endif
