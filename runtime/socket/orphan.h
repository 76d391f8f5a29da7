/* Orphans of a connection (see manager.c): namespaces that were left, found by their name
 * and in the order in which they are waited for. Book-keeping alone; loop thread only. A
 * zeroed Orphans is empty and valid. */
#ifndef TIDELOCK_SOCKET_ORPHAN_H
#define TIDELOCK_SOCKET_ORPHAN_H

#include "core/index.h"

typedef enum OrphanPhase {
  ORPHAN_ASKED, /* its CONNECT is not answered yet */
  /* It was let in. DISCONNECT follows before the loop waits, unless what is read with the
   * answer says that the server has closed the namespace already. */
  ORPHAN_ANSWERED,
  ORPHAN_TAKING, /* it was joined; the server must take what was sent (engine_fence) */
  ORPHAN_ENDING, /* DISCONNECT is out; the server must take that as well */
  ORPHAN_GONE    /* over; what is known is that it was left on this connection */
} OrphanPhase;

typedef struct Orphan Orphan;
typedef struct OrphanQueue {
  Orphan *first, *last;
} OrphanQueue;

struct Orphan {
  IndexNode node;
  Orphan *next; /* of all */
  OrphanPhase phase;
  uint32_t fence;  /* that is waited for; 0: none */
  OrphanQueue *in; /* NULL: none */
  Orphan *before, *behind;
  char nsp[];
};

/* Owns its orphans. */
typedef struct Orphans {
  Index index;
  Orphan *all;
  OrphanQueue answered, fenced; /* fenced (TAKING, ENDING): by the number of the fence */
} Orphans;

Orphan *orphan_find(const Orphans *all, const char *nsp, size_t len); /* or NULL */
/* Returns the one of that name, new or as it was. */
Orphan *orphan_of(Orphans *all, const char *nsp);
/* The fence is of TAKING and ENDING, and higher than all before it; else 0. */
void orphan_set(Orphans *all, Orphan *orphan, OrphanPhase phase, uint32_t fence);
void orphans_free(Orphans *all);

#endif
