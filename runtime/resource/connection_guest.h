/* The queue of a script that attached: see connection_guest.c. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_GUEST_H
#define TIDELOCK_RESOURCE_CONNECTION_GUEST_H

#include "resource/connection_parts.h"

/* Whose handlers are to be called now; NULL: the delivery waits in the queue of its
 * script, and is given to `deliver` later. */
InFlight *guest_ready(Connection *c, Declaration *d, const HandlerCall *delivery,
                      DeliverTo *deliver);
void guest_join(Connection *c, const Declaration *d); /* a new generation has attached */
InFlight *guest_flight(const Connection *c, const Owner *owner); /* borrows; or NULL */
uint64_t guest_lost(const Connection *c, const Owner *owner);
void guests_free(Connection *c);

#endif
