/* libuv's threads for work that would block the loop. */
#ifndef TIDELOCK_LOOP_WORKER_H
#define TIDELOCK_LOOP_WORKER_H

#include <stdbool.h>

/* Whether work may be queued: starting the threads takes memory for their stacks, and
 * libuv aborts without it. */
bool worker_may_start(void);

#endif
