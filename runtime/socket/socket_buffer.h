/* What waits for a connection. For the files of Socket. */
#ifndef TIDELOCK_SOCKET_SOCKET_BUFFER_H
#define TIDELOCK_SOCKET_SOCKET_BUFFER_H

#include "socket/socket_parts.h"

int waiting_put(Socket *s, const SocketData *frames, bool binary, SocketCall *call,
                Error *err);
void waiting_flush(Socket *s);                     /* sends it */
size_t waiting_drop_all(Socket *s, ErrorCode why); /* its calls fail with that */
void waiting_on_age(Timer *timer);

#endif
