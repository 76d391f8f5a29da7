/* What is sent until it is acknowledged. For the files of Socket. */
#ifndef TIDELOCK_SOCKET_SOCKET_RESEND_H
#define TIDELOCK_SOCKET_SOCKET_RESEND_H

#include "socket/socket_parts.h"

int resend_put(Socket *s, SocketCall *call, const SocketData *data,
               Error *err);  /* call: NULL for an event */
void resend_pump(Socket *s); /* there may be something to begin with */
void resend_free_all(Socket *s);
size_t resend_drop_all(Socket *s, ErrorCode why, bool untried); /* how many */

#endif
