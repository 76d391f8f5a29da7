/* The pace at which connections are attempted, shared by all of a process: thousands that
 * lost one server come back quickly, but not as one burst. Loop thread only.
 *
 * At most PACE_UNDER_WAY attempts are under way at once, and PACE_PER_SECOND begin in a
 * second, once the first PACE_UNDER_WAY have begun: a connection alone never waits. In
 * the order in which they asked. An attempt that takes long (a server that is silent, a
 * token that is fetched) counts for PACE_COUNTS seconds only, so that it does not hold up
 * those to other servers. */
#ifndef TIDELOCK_NET_PACE_H
#define TIDELOCK_NET_PACE_H

#include "loop/loop.h"

enum { PACE_UNDER_WAY = 128, PACE_PER_SECOND = 2000 };
#define PACE_COUNTS 1.0

typedef struct Pace Pace;
typedef struct PaceTurn PaceTurn;

typedef struct PaceQueue {
  PaceTurn *first, *last;
} PaceQueue;

/* One attempt: embed it, zeroed but for `go`. The rest is the pace's. */
struct PaceTurn {
  void (*go)(PaceTurn *turn); /* begin: in dispatch, or at once from pace_ask */
  PaceQueue *in;              /* NULL: neither waiting nor under way */
  PaceTurn *prev, *next;
  double since; /* it has been under way */
};

Pace *pace_new(Loop *loop);
void pace_free(Pace *pace);                 /* CHECKs that nobody is left in it */
void pace_ask(Pace *pace, PaceTurn *turn);  /* harmless when it is in */
void pace_done(Pace *pace, PaceTurn *turn); /* over, or not wanted any more; harmless
                                               when it is not in */
bool pace_waits(const Pace *pace, const PaceTurn *turn); /* asked, and not begun */

#endif
