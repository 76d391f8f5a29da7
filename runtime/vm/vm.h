/* A Vm: one bounded lua_State with its memory account, its tasks, timers, declarations
 * and boxes. The first member of a Generation, which owns it; loop thread only.
 *
 * - STAGING: the top level runs; declarations are collected, effects raise
 * - LIVE: the current one
 * - RETIRING: replaced; tasks in flight finish within the grace; it may wait and use
 *   handles, not declare
 * - DEAD: severed; the state is being closed on a worker thread */
#ifndef TIDELOCK_VM_VM_H
#define TIDELOCK_VM_VM_H

#include "bridge/bridge.h"
#include "core/blocks.h"
#include "core/error.h"
#include "core/suggest.h"
#include "vm/owner.h"

typedef enum VmState { VM_STAGING, VM_LIVE, VM_RETIRING, VM_DEAD } VmState;

typedef struct VmTimer VmTimer;
typedef struct Declaration Declaration;

/* Calls from a Vm to its generation. */
typedef struct VmHooks {
  /* An error that nobody caught. */
  void (*failed)(Vm *vm, const char *text);
  void (*task_ended)(Vm *vm);
  void (*turn_ended)(Vm *vm); /* where vm->reports_turns */
  /* Pushes the compiled module from the script's own sources and returns 1; 0: there is
   * none. May raise. */
  int (*find_module)(lua_State *L, const char *name);
  void (*offer_modules)(const Vm *vm, Suggestion *meant); /* their names */
  bool (*is_source)(const Vm *vm, const char *path);      /* of the script's own */
} VmHooks;

enum { POOL_SIZE = 64 };

struct Vm {
  Bridge bridge; /* first: bridge_of finds it */
  Host *host;
  Owner *owner;
  const VmHooks *hooks;
  unsigned number; /* of the generation */
  VmState state;
  lua_State *L; /* the main thread: callbacks are kept here, never on a coroutine */
  size_t memory, memory_limit;
  Blocks blocks;         /* what the state's memory comes from */
  size_t refused_at;     /* how much it had when a little was refused; 0: never */
  unsigned turned_away;  /* tasks that were not begun for that */
  char memory_place[96]; /* "main.lua:3": where memory was refused last */
  Declaration *decls, **last_decl; /* see resource/resource.h */
  Index declared;                  /* the same ones, by kind and name */
  Task *tasks;
  struct {
    lua_State *co;
    int ref;
  } pool[POOL_SIZE]; /* finished coroutines, for reuse */
  int pooled;
  VmTimer *timers;            /* those that run, or will when it is live */
  VmTimer *spare;             /* ended ones, for reuse; freed with the generation: a stale
                                 handle may still compare its serial with theirs */
  size_t timer_bytes;         /* of all its timers, charged to the script */
  struct HandlerList *traces; /* of store.trace; owned; NULL: none */
  bool reports_turns;         /* hooks->turn_ended is called */
  bool sharing;     /* its cancelled tasks share what is left of one turn's time: */
  unsigned shared;  /* in the watchdog's ticks */
  unsigned stopped; /* how many of these went on waiting, and were stopped */
  bool migrating;   /* a migrate of a store, or of keep, runs */
  bool migrated; /* and raised a schema version: no way back to the generation before */
  double cpu_limit; /* seconds; 0: the host's */
};

/* Zeroed before; borrows all. */
void vm_init(Vm *vm, Owner *owner, const VmHooks *hooks, unsigned number);

static inline Vm *vm_of(lua_State *L) { /* borrows */
  return (Vm *)bridge_of(L);
}

/* Before the core allocates on behalf of a script: raises "not enough memory" when the
 * script holds too much. Then vm_hold charges the bytes, until charge_let_go. */
void need_memory(lua_State *L, size_t bytes);
Charge *vm_hold(lua_State *L, size_t bytes);

/* Raise in a state that does not allow it: an effect needs a script that has loaded, a
 * declaration one that is not retired. `what` is the function as the script calls it. */
void need_loaded(lua_State *L, const char *what);
void need_declaring(lua_State *L, const char *what);

#endif
