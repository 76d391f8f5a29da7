/* Noticing that the machine slept: the loop's clock stands still meanwhile, so that a
 * deadline on it comes too late. Whoever has one on the real passing of time listens
 * here, and is called when the machine wakes (Linux: the clock was set, which resuming
 * does). Loop thread only. */
#ifndef TIDELOCK_LOOP_WAKE_H
#define TIDELOCK_LOOP_WAKE_H

#include "loop/loop.h"

typedef struct Wakes Wakes;

typedef struct WakeListener WakeListener;
struct WakeListener {
  void (*woke)(WakeListener *listener); /* may end itself and others */
  WakeListener *next, **at;             /* at NULL: it does not listen */
};

Wakes *wakes_new(Loop *loop);  /* cheap: the system is asked with the first listener */
void wakes_free(Wakes *wakes); /* closes its handle, which the loop then waits for */
void wakes_listen(Wakes *wakes, WakeListener *listener); /* does nothing if it does */
void wakes_leave(WakeListener *listener);                /* does nothing if it does not */
double wakes_now(Wakes *wakes); /* seconds, by a clock that counts sleep */
/* For tests: as if the machine had slept for so long. */
void wakes_slept(Wakes *wakes, double seconds);

#endif
