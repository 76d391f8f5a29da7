/* Socket.IO v5 packets in their text form, read and written. Pure. */
#ifndef TIDELOCK_PROTO_SOCKETIO_TEXT_H
#define TIDELOCK_PROTO_SOCKETIO_TEXT_H

#include "core/buffer.h"
#include "core/error.h"
#include "proto/socketio_types.h"

/* `text` is what follows the Engine.IO type byte. What the reference client accepts is
 * accepted: an ack without an id, ids where none may be, no payload. Checks the header,
 * and of the payload its first byte only ('[' for events and acks; '{' or nothing for
 * CONNECT; '{' or '"' for CONNECT_ERROR; these or nothing for DISCONNECT, which
 * python-socketio gives a reason). Returns 0 or ERR_PROTOCOL. */
int sio_parse(const char *text, size_t len, SioPacket *packet, Error *err);

/* The name of an event packet, without decoding the payload, when it is a plain string
 * without escapes: borrows into json. Returns false when the name has escapes or is not a
 * string: decode the whole then. */
bool sio_event_name(const SioPacket *packet, const char **name, size_t *name_len);

/* Appends a text packet, Engine.IO type byte '4' included. nsp may be NULL ("/"), json
 * NULL with len 0. */
void sio_encode(Buffer *out, SioType type, const char *nsp, int64_t ack, const char *json,
                size_t len);

/* Appends the header packet: SIO_EVENT or SIO_ACK become their binary kind. The
 * attachments follow as binary messages. count > 0. */
void sio_encode_binary(Buffer *out, SioType type, const char *nsp, int64_t ack,
                       const char *json, size_t len, int count);

/* connect, connect_error, disconnect, disconnecting, newListener, removeListener: a peer
 * that sends or is sent one of these closes the connection. */
bool sio_reserved(const char *name, size_t len);

#endif
