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

/* Calls from vm/ and resource/ to the generation, which is above them. All on the loop's
 * thread, some while Lua of this Vm is on the C stack: so none frees the Vm, kills a task
 * or ends a generation; what leads to that is pushed into the inbox. Only find_module
 * raises. The texts are borrowed for the call. */
typedef struct VmHooks {
  /* An error that nobody caught has been reported. */
  void (*failed)(Vm *vm, const char *text);
  /* A task has ended and is out of vm->tasks. Not for one that was killed. */
  void (*task_ended)(Vm *vm);
  /* A task of a Vm with vm->reports_turns has run, and waits or has ended. */
  void (*turn_ended)(Vm *vm);
  /* In `require`: pushes the module that the script's own sources have, compiled, and
   * returns 1; 0: there is none. May raise. */
  int (*find_module)(lua_State *L, const char *name);
  /* Offers the names of these modules, for "did you mean". */
  void (*offer_modules)(const Vm *vm, Suggestion *meant);
  /* Whether the path is a source of the script's own. */
  bool (*is_source)(const Vm *vm, const char *path);
} VmHooks;

enum { POOL_SIZE = 64 };

/* Other rooms read it; who of them writes a field stands above it. */
struct Vm {
  Bridge bridge; /* first: bridge_of finds it */
  Host *host;
  Owner *owner;
  const VmHooks *hooks;
  unsigned number; /* of the generation */
  lua_State *L;    /* the main thread: callbacks are kept here, never on a coroutine */
  /* By vm/: */
  size_t memory;
  Blocks blocks;     /* what the state's memory comes from */
  size_t refused_at; /* how much it had when a little was refused; 0: never */
  bool refused;      /* memory was, since the last look */
  struct {
    size_t asked;       /* what was refused last, before any was given; else 0 */
    unsigned long turn; /* in which it was refused after a collection, too */
  } vain;
  unsigned turned_away;       /* tasks that were not begun for that */
  char memory_place[96];      /* "main.lua:3": where memory was refused last */
  lua_CFunction frees_buffer; /* Lua's, for a luaL_Buffer; NULL: not known */
  Task *tasks;
  struct {
    lua_State *co;
    int ref;
  } pool[POOL_SIZE]; /* finished coroutines, for reuse */
  int pooled;
  VmTimer *timers;  /* those that run, or will when it is live */
  bool sharing;     /* its cancelled tasks share what is left of one turn's time: */
  unsigned shared;  /* in the watchdog's ticks */
  unsigned stopped; /* how many of these went on waiting, and were stopped */
  int lasting;      /* tasks of the core's that outlast its grace; by resource/session */
  /* By script/: */
  VmState state; /* and by vm_end.c */
  size_t memory_limit;
  bool reports_turns; /* hooks->turn_ended is called */
  /* By resource/: */
  Declaration *decls, **last_decl; /* see resource/resource.h */
  Index declared;                  /* the same ones, by kind and name */
  VmTimer *spare;     /* ended timers, for reuse; freed with the Vm: a stale handle may
                         still compare its serial with theirs */
  size_t timer_bytes; /* of all its timers, charged to the script */
  /* By script/ for keep, by resource/ for stores: */
  bool migrating; /* a migrate runs */
  bool migrated;  /* one raised a schema version: no way back to the generation before */
  /* By lua/script.c: */
  double cpu_limit; /* seconds; 0: the host's */
  /* By resource/, by way of vm_set_applies: */
  const char *applies; /* the mutation that runs; NULL: none; borrowed */
  bool restricted;     /* it loads, or a mutation runs: effects raise; see vm_set_state */
};

/* Zeroed before; borrows all. What undoes it: vm_end.h. */
void vm_init(Vm *vm, Owner *owner, const VmHooks *hooks, unsigned number);

_Static_assert(offsetof(Vm, bridge) == 0, "vm_of casts");
static inline Vm *vm_of(lua_State *L) { /* borrows */
  return (Vm *)bridge_of(L);
}

void vm_set_state(Vm *vm, VmState state);
/* A mutation begins (its name, borrowed until it ends) or ends (the one around it). */
void vm_set_applies(Vm *vm, const char *name);

/* Before the core allocates on behalf of a script: raises "not enough memory" when the
 * script holds too much. Then vm_hold charges the bytes, until charge_let_go. */
void need_memory(lua_State *L, size_t bytes);
Charge *vm_hold(lua_State *L, size_t bytes);

/* Raise in a state that does not allow it: an effect needs a script that has loaded, a
 * declaration one that is not retired. `what` is the function as the script calls it. */
void need_loaded(lua_State *L, const char *what);
void need_declaring(lua_State *L, const char *what);
/* Raises inside a mutation, which is a function of its draft and its arguments. The two
 * above do so too. */
void need_pure(lua_State *L, const char *what);

#endif
