/* The clock that scripts live by: timers, waits and deadlines. It goes with the system's
 * monotonic clock, until a test stops it and sets it forward itself; once it goes again
 * it goes on from there.
 *
 * What must end whatever a test does (the end of the process, the watching of files)
 * lives by the system's own clock: loop_real_now, and timers that are `real`. */
#ifndef TIDELOCK_LOOP_CLOCK_H
#define TIDELOCK_LOOP_CLOCK_H

#include "core/base.h"

/* Zeroed it is the system's. Seconds, as in all that follows. */
typedef struct Clock {
  bool stopped;
  double at;    /* where it stands */
  double ahead; /* of the system's, while it goes */
} Clock;

double clock_real(void); /* the system's */
/* What the clock says when the system's says `real`. */
static inline double clock_at(const Clock *clock, double real) {
  return clock->stopped ? clock->at : real + clock->ahead;
}
void clock_stop(Clock *clock);
void clock_set(Clock *clock, double at); /* it is stopped; never back */
void clock_go(Clock *clock);

#endif
