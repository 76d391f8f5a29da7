/* Clocks. The wall clock is for people and other machines; it may be set at any moment.
 * Durations are measured with loop_now, or with the monotonic clock where there is no
 * loop or the loop may be held up. Any thread. */
#ifndef TIDELOCK_CORE_CLOCK_H
#define TIDELOCK_CORE_CLOCK_H

#include <stdint.h>

int64_t clock_micros(void);          /* microseconds since 1970, UTC */
double clock_wall(void);             /* the same in seconds, unless a test has set it */
void clock_wall_set(double seconds); /* for tests; 0: it is the system's again */
double clock_monotonic(void); /* seconds since some moment; legal in a signal handler */
double clock_cpu(void);       /* seconds of processor time that the calling thread used */

/* Seconds that a gap between two looks at a clock counts at most, where time is counted
 * for a script: a process that was stopped, or a machine that slept, used nothing. */
#define CLOCK_LONGEST_GAP 0.25

#endif
