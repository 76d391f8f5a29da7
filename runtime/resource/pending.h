/* A script that attached to a resource that does not exist, or is not shared with it: the
 * log says so after a second, once for each name, with the names that exist. */
#ifndef TIDELOCK_RESOURCE_PENDING_H
#define TIDELOCK_RESOURCE_PENDING_H

#include "resource/resources.h"

/* Something may be missing now: it is looked at in a second. */
void pending_look_soon(Host *host);
/* Logs now what would be logged in a second: the run ends by itself. */
void pending_look_now(Host *host);
void pending_init(Host *host);
void pending_stop(Host *host);

#endif
