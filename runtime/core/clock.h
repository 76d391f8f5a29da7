/* The wall clock: what time it is, for people and for other machines. It may be set at
 * any moment: what lasts is measured with loop_now. Any thread. */
#ifndef TIDELOCK_CORE_CLOCK_H
#define TIDELOCK_CORE_CLOCK_H

#include <stdint.h>

int64_t clock_micros(void); /* microseconds since 1970, UTC */
double clock_wall(void);    /* the same in seconds */

#endif
