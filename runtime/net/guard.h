/* What a script has learnt of an origin: its breaker, which refuses calls while they fail
 * there, and its budget, from which retries are paid. Each script has its own; they last
 * over its reloads, as long as the net. Loop thread only.
 *
 * The breaker counts calls, whatever number of attempts each has. Of at least
 * GUARD_CALLS calls within 30 s half have failed: it opens, and refuses calls for
 * GUARD_OPEN seconds. Then one call is let through, the probe: its success closes the
 * breaker, its failure opens it again; others are refused meanwhile.
 *
 * The budget holds GUARD_TOKENS at first, and at most. A retry takes 5, one after a
 * timeout 10; a call that succeeds brings one back, or what its retries have taken. */
#ifndef TIDELOCK_NET_GUARD_H
#define TIDELOCK_NET_GUARD_H

#include "net/net.h"

enum { GUARD_CALLS = 10, GUARD_TOKENS = 500, GUARD_RETRY = 5, GUARD_TIMEOUT = 10 };
#define GUARD_OPEN 5.0

typedef struct Guards Guards;
typedef enum GuardEntry { GUARD_PASSES, GUARD_PROBES, GUARD_REFUSED } GuardEntry;

/* Whose, and where; both borrowed for the call. */
typedef struct GuardPlace {
  const void *owner;
  const char *origin; /* "https://example.org:8443" */
} GuardPlace;

Guards *guards_of(Net *net); /* made when first asked for, freed with the net */
/* Nothing is known of any origin: a server of a test is gone, another may have its name.
 */
void guards_forget(Net *net);

/* A call begins. GUARD_REFUSED: *wait is how many seconds it has to wait for another. Who
 * probes owes guard_end_probe. */
GuardEntry guard_enter(Guards *guards, const GuardPlace *place, double *wait);
typedef enum GuardProbe { GUARD_WORKED, GUARD_FAILED, GUARD_ABANDONED } GuardProbe;
void guard_end_probe(Guards *guards, const GuardPlace *place, GuardProbe how);
/* A call that passed has ended. */
void guard_leave(Guards *guards, const GuardPlace *place, bool failed);

/* Takes what a retry costs; 0: there is too little left. */
int guard_take(Guards *guards, const GuardPlace *place, bool timeout);
/* A call succeeded whose retries have taken so much; 0: it had none. */
void guard_give(Guards *guards, const GuardPlace *place, int taken);

#endif
