/* The link of a Socket: the poll side. For its files. */
#ifndef TIDELOCK_SOCKET_SOCKET_LINK_H
#define TIDELOCK_SOCKET_SOCKET_LINK_H

#include "socket/socket_parts.h"

extern const ManagerEvents link_events; /* what the manager reports */

void link_start(Socket *s); /* an attempt */
/* Ends the link, saying goodbye if it was open; nothing of it arrives any more. */
void link_cut(Socket *s, int close_code, const char *reason);
void link_fail(Socket *s, const char *reason, const Error *err);
void link_join(Socket *s, const char *json, size_t len); /* sends the CONNECT packet */
/* Whether the server takes packets of that size: 0, or TOO_LARGE. */
int link_check_frames(const Socket *s, const SocketData *frames, Error *err);
/* One frame and the attachments behind it; a failure in between ends the link. most: of
 * bytes that may wait, as with engine_send_below. */
int link_send_all(Socket *s, bool binary, const SocketData *frames, size_t most);
size_t link_buffered(const Socket *s);       /* bytes that the system has not taken */
const char *link_transport(const Socket *s); /* NULL while there is none; static */

#endif
