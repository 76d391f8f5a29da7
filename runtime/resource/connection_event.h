/* Callbacks of the socket for events and messages: see connection_event.c. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_EVENT_H
#define TIDELOCK_RESOURCE_CONNECTION_EVENT_H

#include "resource/connection_parts.h"

void connection_on_event(void *ctx, const SocketData *data, int64_t ack);
void connection_on_message(void *ctx, bool binary, const char *data, size_t len);
void connection_on_dropped(void *ctx, ErrorCode why, const char *data, size_t len);

#endif
