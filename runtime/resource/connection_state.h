/* Callbacks of the socket for states and errors: see connection_state.c. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_STATE_H
#define TIDELOCK_RESOURCE_CONNECTION_STATE_H

#include "resource/connection_parts.h"

void connection_on_state(void *ctx, SocketState state, const SocketInfo *info);
void connection_on_error(void *ctx, const SocketInfo *info);

#endif
