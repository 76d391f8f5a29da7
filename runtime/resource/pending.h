/* Scripts that attached to what is not there, or not shared with them, are told in the
 * log after a second, once for each name, with the names that there are. */
#ifndef TIDELOCK_RESOURCE_PENDING_H
#define TIDELOCK_RESOURCE_PENDING_H

#include "resource/resources.h"

/* Something may be missing now: it is looked at in a second. */
void pending_look_soon(Host *host);
/* What is to be told in a second is told now: the run ends by itself. */
void pending_look_now(Host *host);
void pending_init(Host *host);
void pending_stop(Host *host);

#endif
