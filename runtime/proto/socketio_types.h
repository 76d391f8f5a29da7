/* The types of Socket.IO v5 packets. */
#ifndef TIDELOCK_PROTO_SOCKETIO_TYPES_H
#define TIDELOCK_PROTO_SOCKETIO_TYPES_H

#include "core/base.h"

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
enum { SIO_MAX_ATTACHMENTS = 1000 }; /* that are received */
enum { SIO_MOST_SENT = 10 }; /* attachments that are sent: a server closes at more */

typedef struct SioPacket {
  SioType type;
  int attachments;
  const char *nsp; /* borrowed, "/" when none is named; a query part is left off */
  size_t nsp_len;
  int64_t ack;      /* SIO_NO_ACK: none */
  const char *json; /* borrowed: the rest; may be empty */
  size_t json_len;
} SioPacket;

#endif
