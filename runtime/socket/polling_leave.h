/* Leaving a session over polling. For its transport. */
#ifndef TIDELOCK_SOCKET_POLLING_LEAVE_H
#define TIDELOCK_SOCKET_POLLING_LEAVE_H

#include "socket/polling_parts.h"

/* The engine goes, its session is ended by what is sent yet. `posted` takes the answers,
 * and hands them back; `over` comes last, when p->leaving is NULL. */
void polling_leave(Polling *p, HttpDone *posted, void (*over)(Polling *p));
void polling_leave_answered(Polling *p, const HttpResponse *response);

#endif
