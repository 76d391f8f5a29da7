/* What goes out of a Socket, once. For its files. */
#ifndef TIDELOCK_SOCKET_SOCKET_SEND_H
#define TIDELOCK_SOCKET_SOCKET_SEND_H

#include "socket/socket_parts.h"

/* Whether the JSON is an event that may be sent. */
int socket_check_event(const Socket *s, const char *json, size_t len, Error *err);
/* An event, sent or left waiting; call: it wants an ack, NULL: it does not. */
int socket_put(Socket *s, const SocketData *data, bool is_volatile, SocketCall *call,
               Error *err);
/* A call that is sent once. Returns 0 and calls `done` later, or returns a code. */
int call_start(Socket *s, SocketCall *call, const SocketData *data, double timeout,
               Error *err);
void call_begin(Socket *s, SocketCall *call, double timeout); /* it is in flight */

#endif
