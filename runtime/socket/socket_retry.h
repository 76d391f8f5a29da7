/* What is sent until it is acknowledged. For the files of Socket. */
#ifndef TIDELOCK_SOCKET_SOCKET_RETRY_H
#define TIDELOCK_SOCKET_SOCKET_RETRY_H

#include "socket/socket_parts.h"

int retry_put(Socket *s, SocketCall *call, const SocketData *data,
              Error *err);  /* call: NULL for an event */
void retry_pump(Socket *s); /* there may be something to begin with */
void retry_free_all(Socket *s);
size_t retry_drop_all(Socket *s, ErrorCode why, bool untried); /* how many */

#endif
