/* At most so many connections to a host: requests that have a limit (max_connections)
 * wait for a place, in the order in which they came. Places are counted for each owner
 * and origin, over all its requests that have a limit. Loop thread only. */
#ifndef TIDELOCK_NET_HTTP_SLOTS_H
#define TIDELOCK_NET_HTTP_SLOTS_H

#include "net/net.h"

typedef struct Slots Slots;
typedef struct SlotPlace SlotPlace;

/* What one request has of it: embed it, zeroed but for `go`. The rest is private. */
typedef struct SlotTurn SlotTurn;
struct SlotTurn {
  void (*go)(SlotTurn *turn); /* in dispatch: it has a place now */
  SlotPlace *place;           /* NULL: it neither has one nor waits */
  bool waits;
  int most;
  SlotTurn *next, *prev;
};

Slots *slots_of(Net *net); /* made when first asked for, freed with the net */

/* Takes one of `most` places. false: it has to wait, go follows. */
bool slots_take(Slots *slots, const void *owner, const char *origin, int most,
                SlotTurn *turn);
void slots_leave(SlotTurn *turn);     /* harmless when it has none */
int slots_used(const SlotTurn *turn); /* places that are taken, its own included */

#endif
