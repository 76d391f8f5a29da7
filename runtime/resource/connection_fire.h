/* Calling the handlers of a connection: see connection_fire.c. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_FIRE_H
#define TIDELOCK_RESOURCE_CONNECTION_FIRE_H

#include "resource/connection_parts.h"

/* Between ++c->firing and connection_unref. A handler may close the connection: then it
 * is over. */
void connection_fire(Connection *c, ListName name, Firing *firing);
/* The same for the handlers of one script; f, if not NULL, counts their tasks. A firing's
 * done_for returns readers of f (connection_large.h). */
void connection_fire_for(Connection *c, Declaration *d, InFlight *f, ListName name,
                         Firing *firing);
void connection_unref(Connection *c);
void connection_free(Connection *c);         /* closed, and nothing fires */
bool connection_hears(const Declaration *d); /* its script, now */
Connection *connection_if_alive(Host *host, uint64_t number); /* NULL: it is gone */
const char *connection_state_name(SocketState state);

/* Returns new; `wake` is called when a task of the guest's has ended. Both are NULL for
 * the owner's. */
InFlight *in_flight_new(Connection *c, Owner *owner, Guest *guest,
                        void (*wake)(Guest *guest));
/* Around firings that belong together; NULL does nothing. */
void in_flight_begin(InFlight *f);
void in_flight_end(InFlight *f);
/* What events wait for may be over: they may come again. */
void in_flight_look(InFlight *f);
/* The connection is done with it; it is released when its last task has ended. */
void in_flight_detach(InFlight *f);

#endif
