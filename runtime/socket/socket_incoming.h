/* From the poll to dispatch: what came. For the files of Socket. */
#ifndef TIDELOCK_SOCKET_SOCKET_INCOMING_H
#define TIDELOCK_SOCKET_SOCKET_INCOMING_H

#include "socket/socket_parts.h"

void note_push(Socket *s, NoteType type, int64_t ack, const void *data, size_t len);
/* A packet will not be sent: as it would have gone out, text or msgpack. */
void note_push_dropped(Socket *s, const char *data, size_t len, ErrorCode why);
Note *note_new(Socket *s, NoteType type, int64_t ack, const void *data, size_t len);
Note *note_new_data(Socket *s, NoteType type, int64_t ack, const SocketData *data);
bool note_fits(const Socket *s, size_t size); /* the script may hold so much more */
void note_send(Note *note);                   /* counts it, and sends it on its way */
void note_relax(Socket *s, const Note *note); /* it is no backlog any more */
void note_free(Note *note);                   /* before its socket */

size_t socket_data_total(const SocketData *data); /* bytes on the wire */

#endif
