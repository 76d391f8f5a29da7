/* Clocks. The wall clock says what time it is, for people and for other machines; it may
 * be set at any moment. What lasts is measured with loop_now; where there is no loop, or
 * its time may be old, with the monotonic clock. Any thread. */
#ifndef TIDELOCK_CORE_CLOCK_H
#define TIDELOCK_CORE_CLOCK_H

#include <stdint.h>

int64_t clock_micros(void);   /* microseconds since 1970, UTC */
double clock_wall(void);      /* the same in seconds */
double clock_monotonic(void); /* seconds since some moment; legal in a signal handler */
double clock_cpu(void);       /* seconds of processor time that the calling thread used */

#endif
