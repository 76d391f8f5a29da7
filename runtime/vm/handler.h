/* Handlers: the functions a script registered for the events of a declaration. Each event
 * runs each handler in a task of its own; they start in the order of registration. A
 * serial handler starts for the next event when it has ended for the last. */
#ifndef TIDELOCK_VM_HANDLER_H
#define TIDELOCK_VM_HANDLER_H

#include "vm/task.h"

typedef struct Handler Handler;
typedef struct HandlerList HandlerList;
struct HandlerList {
  Handler *first, **last;
  Index events;     /* those for one event, by event */
  int any;          /* how many are for any event */
  int depth;        /* of firing: while > 0 nothing is unlinked */
  Handler *removed; /* those marked as removed meanwhile */
};

typedef struct HandlerOptions {
  const char *event; /* NULL: any */
  size_t len;
  bool once, serial;
  bool first; /* before the others */
} HandlerOptions;

void handlers_init(HandlerList *list);
void handlers_free(HandlerList *list, lua_State *L); /* L: the generation's main thread */

/* Registers the function at `index`; pushes its handle, with :off(). May raise. */
void handler_add(lua_State *L, HandlerList *list, int index, HandlerOptions options);
/* Removes those with this event (NULL: those for any) and, if index is not 0, this
 * function; returns how many. */
int handler_remove(lua_State *L, HandlerList *list, const char *event, size_t len,
                   int index);
bool handlers_want(const HandlerList *list, const char *event, size_t len);

/* What a firing hands to each handler. push runs inside the handler's task and returns
 * how many arguments it pushed; less than 0: there are none, the handler is not called.
 * It runs once for each handler: each gets its own copy. */
typedef struct Firing {
  const char *event;
  size_t len;
  const char *source; /* "chat", for errors */
  TaskPush *push;
  void *ctx;
  lua_CFunction through; /* called with the handler's function before the arguments that
                            were pushed; NULL: the handler itself is called */
  /* Before a `once` handler is used up: whether push will have arguments; NULL: yes. */
  bool (*can_push)(void *ctx);
  bool any;       /* only those for any event */
  TaskDone *done; /* of each handler's task, once; NULL: none */
  void *done_ctx;
  /* What `done` is called with for the task of one handler, before it is made; NULL:
   * done_ctx. With it push of the same handler runs next. */
  void *(*done_for)(void *ctx, bool serial);
} Firing;
int handlers_fire(Vm *vm, HandlerList *list, const Firing *firing); /* how many ran */

#endif
