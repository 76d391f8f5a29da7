/* Asking a script for the auth of a connection: see connection_auth.c. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_AUTH_H
#define TIDELOCK_RESOURCE_CONNECTION_AUTH_H

#include "resource/connection_parts.h"

void connection_on_auth(void *ctx);        /* a callback of the socket */
void connection_forget_ask(Connection *c); /* the answer will not count */

#endif
