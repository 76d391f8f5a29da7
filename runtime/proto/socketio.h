/* Socket.IO v5 packets, pure. Text packets only so far: the headers of binary ones are
 * parsed, so that they can be refused by name. */
#ifndef TIDELOCK_PROTO_SOCKETIO_H
#define TIDELOCK_PROTO_SOCKETIO_H

#include "core/buffer.h"
#include "core/error.h"

typedef enum SioType {
  SIO_CONNECT = 0,
  SIO_DISCONNECT,
  SIO_EVENT,
  SIO_ACK,
  SIO_CONNECT_ERROR,
  SIO_BINARY_EVENT,
  SIO_BINARY_ACK
} SioType;

enum { SIO_NO_ACK = -1 };
enum { SIO_MAX_ATTACHMENTS = 1000 }; /* what is taken; a server takes 10 */

typedef struct SioPacket {
  SioType type;
  int attachments;
  const char *nsp; /* borrowed, "/" when none is named; a query part is left off */
  size_t nsp_len;
  int64_t ack;      /* SIO_NO_ACK: none */
  const char *json; /* borrowed: the rest; may be empty */
  size_t json_len;
} SioPacket;

/* `text` is what follows the Engine.IO type byte. Checks the header, and of the payload
 * its first byte only ('[' for events and acks; '{' or nothing for CONNECT; '{' or '"'
 * for CONNECT_ERROR; nothing for DISCONNECT). Returns 0 or ERR_PROTOCOL. */
int sio_parse(const char *text, size_t len, SioPacket *packet, Error *err);

/* The name of an event packet, without decoding the payload, when it is a plain string
 * without escapes: borrows into json. Returns false when the name has escapes or is not a
 * string: decode the whole then. */
bool sio_event_name(const SioPacket *packet, const char **name, size_t *name_len);

/* Appends a text packet, Engine.IO type byte '4' included. nsp may be NULL ("/"), json
 * NULL with len 0. */
void sio_encode(Buffer *out, SioType type, const char *nsp, int64_t ack, const char *json,
                size_t len);

/* connect, connect_error, disconnect, disconnecting, newListener, removeListener: a peer
 * that sends or is sent one of these closes the connection. */
bool sio_reserved(const char *name, size_t len);

#endif
