/* Timers of scripts. An anonymous one belongs to its Vm and ends with it; a named one is
 * a resource and keeps its phase over a reload. */
#ifndef TIDELOCK_RESOURCE_TIMER_H
#define TIDELOCK_RESOURCE_TIMER_H

#include "resource/resource.h"

typedef struct ScriptTimer
    ScriptTimer; /* of its Vm; may be used again when it has ended */

/* Ended timers are used again under another serial, never freed before their Vm: so a
 * stale handle is found out by comparing, and collecting handles costs nothing. */
typedef struct TimerHandle {
  ScriptTimer *timer;
  uint64_t serial;
} TimerHandle;

/* So that timer_start_anonymous cannot fail; may raise (memory). */
void timer_reserve(lua_State *L);
/* A reference to the function at this index, for the timer that is started next; may
 * raise (memory). */
int timer_refer(lua_State *L, int index);
/* Calls the function; takes the reference, from timer_refer. */
TimerHandle timer_start_anonymous(Vm *vm, double seconds, bool repeats, int function);
void timer_stop_anonymous(TimerHandle handle); /* harmless when it has ended */

extern const ResourceKind timer_kind; /* options: a double, the period in seconds */
enum { TIMER_FUNCTION = 0 };          /* declaration->functions */

#endif
