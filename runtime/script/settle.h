/* Whether what was read of a script's sources looks like the whole of a save. */
#ifndef TIDELOCK_SCRIPT_SETTLE_H
#define TIDELOCK_SCRIPT_SETTLE_H

#include "sources/sources.h"

typedef enum Settled {
  SETTLED,        /* one file differs, and it compiles; or none does */
  SETTLED_PARTLY, /* several files differ, one is gone, or one does not compile */
  SETTLED_EMPTY,  /* a file that held code holds none: more of it is likely to come */
} Settled;

/* `old` is what runs. */
Settled sources_settled(const Sources *old, const Sources *fresh);

#endif
