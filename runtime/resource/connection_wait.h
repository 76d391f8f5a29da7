/* Tasks that wait until a connection is connected: see connection_wait.c. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_WAIT_H
#define TIDELOCK_RESOURCE_CONNECTION_WAIT_H

#include "resource/connection_parts.h"

void connection_wake_waiters(Connection *c, const SocketInfo *info);
void connection_join_waiters(Declaration *d);
void connection_lose_waiters(Declaration *d); /* the resource is gone */
void connection_drop_waiters(Declaration *d);

#endif
