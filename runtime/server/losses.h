/* What a server loses: clients that it closes, connections and requests that it refuses,
 * messages that it drops. The first of each kind is logged at WARN, with the client, the
 * figure, the limit and what to do; those of the minute that follows are counted, and
 * logged together at its end, or when the server is closed. Loop thread only. */
#ifndef TIDELOCK_SERVER_LOSSES_H
#define TIDELOCK_SERVER_LOSSES_H

#include "server/server.h"

Losses *losses_new(Server *server); /* returns new; borrows the server */
void losses_free(Losses *losses);   /* logs what is counted */

/* Logs or counts one. format: the whole line behind the port. */
void loss_note(Server *server, ServerLoss kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
