/* Whether what was read of a script's sources looks like the whole of a save. */
#ifndef TIDELOCK_SCRIPT_SETTLE_H
#define TIDELOCK_SCRIPT_SETTLE_H

#include "sources/watch.h"

/* `old` is what runs. */
Settled sources_settled(const Sources *old, const Sources *fresh);

#endif
