/* From the poll to dispatch: what came. For the files of Socket. */
#ifndef TIDELOCK_SOCKET_SOCKET_INCOMING_H
#define TIDELOCK_SOCKET_SOCKET_INCOMING_H

#include "socket/socket_parts.h"

void incoming_push(Socket *s, IncomingType type, int64_t ack, const void *data,
                   size_t len);
/* A packet will not be sent: as it would have gone out, text or msgpack. */
void incoming_push_dropped(Socket *s, const char *data, size_t len, ErrorCode why);
Incoming *incoming_new_data(Socket *s, IncomingType type, int64_t ack,
                            const SocketData *data);
bool incoming_fits(const Socket *s, size_t size); /* the script may hold so much more */
void incoming_send(Incoming *incoming);           /* counts it, and sends it on its way */
void incoming_uncount(Socket *s,
                      const Incoming *incoming); /* it is no backlog any more */
void incoming_free(Incoming *incoming);          /* before its socket */

#endif
