/* The limit of a turn. One timer on the CPU time of the loop's thread ticks every 25 ms
 * of work (an idle process never wakes); the tick looks whether the turn that ran at the
 * last tick still runs, and only when that turn is late arms a hook on the coroutine that
 * runs now. The turn itself costs two stores.
 *
 * A turn is late when its CPU time has reached the limit, or when its wall time has and a
 * quarter of that was CPU time: on a busy machine the others have waited long enough.
 * Wall time is read in the tick. */
#ifndef TIDELOCK_VM_WATCHDOG_H
#define TIDELOCK_VM_WATCHDOG_H

#include "vm/vm.h"

typedef struct WatchdogTurn {
  lua_State *running; /* the coroutine of the turn around this one */
  unsigned long number;
  unsigned limit, ticks, wall;
} WatchdogTurn;

Watchdog *watchdog_new(void); /* returns new; one per process: it owns a signal */
void watchdog_free(Watchdog *w);

/* Around every run of Lua from C. Turns nest: the inner one is watched for itself. */
WatchdogTurn watchdog_enter(Vm *vm, lua_State *co);
double watchdog_leave(Vm *vm, WatchdogTurn turn); /* ms if it was slow, else 0 */
/* The same; the time counts for the script of `vm` alone, not for the turn around it. */
void watchdog_leave_apart(Vm *vm, WatchdogTurn turn);
/* Whether the turn that runs has had a tick: it has taken a while, or soon will have. */
bool watchdog_has_ticked(const Watchdog *w);
/* The turns in which the tasks of a cut end share the time of one turn.
 * watchdog_share_begin starts that time; watchdog_share counts the turn that runs. */
void watchdog_share_begin(Vm *vm);
void watchdog_share(Vm *vm);
bool watchdog_share_is_spent(const Vm *vm);
/* The turn that runs is late from now on, whatever time it has used. */
void watchdog_stop(Watchdog *w);
/* The same, as it asks for memory again and again that the script may not have: each time
 * costs a full collection. May be called by the allocator. */
void watchdog_starve(Watchdog *w);
unsigned long watchdog_turn(const Watchdog *w); /* the number of the one that runs */
/* The turn goes on in another coroutine; returns the one before. */
lua_State *watchdog_switch(Vm *vm, lua_State *co);

/* The Vm's limit has changed, inside a turn of its own. */
void watchdog_relimit(Vm *vm);
bool watchdog_is_late(void); /* false where there is no watchdog */
/* While `pause` the time is not counted for the turn that runs: the core reads a stored
 * state. */
void watchdog_pause(Watchdog *w, bool pause);
/* Notes in the Vm how Lua frees a buffer, where the limit does not raise. Once, in a new
 * state. */
void watchdog_know_buffers(lua_State *L);
/* An error of memory on top, raised because the turn is late, becomes CPU_LIMIT. */
void watchdog_explain(lua_State *L);
/* Raises when the turn is late: for loops in C that may be long, which no hook sees. */
void watchdog_poll(lua_State *L);

/* Staging runs under a hook of its own from its first instruction: it yields at the end
 * of each slice and raises when the limit is used up. */
void watchdog_stage(lua_State *co);

/* From this monotonic second on every turn is late, whatever its limit. Any thread. */
void watchdog_end_at(Watchdog *w, double when);
bool watchdog_is_over(const Watchdog *w); /* whether that second has come */

#endif
