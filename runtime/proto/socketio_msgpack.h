/* Socket.IO packets as npm's socket.io-msgpack-parser writes them: one binary message
 * each, a map of type, nsp, data and id, with binary data in its place. The types are
 * SIO_CONNECT to SIO_CONNECT_ERROR. Pure. */
#ifndef TIDELOCK_PROTO_SOCKETIO_MSGPACK_H
#define TIDELOCK_PROTO_SOCKETIO_MSGPACK_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/json.h"
#include "proto/socketio_types.h"

typedef struct SioPacked {
  SioType type;
  const char *nsp; /* borrowed from the arena, as is data; a query part is left off */
  size_t nsp_len;
  int64_t ack;       /* SIO_NO_ACK: none */
  const cJSON *data; /* an array for events and acks; NULL: none */
} SioPacked;

/* Returns 0, or PROTOCOL (DECODE and TOO_LARGE for what is no msgpack) with *err. */
int sio_unpack(JsonArena *arena, const char *bytes, size_t len, SioPacked *packet,
               Error *err);
/* Appends a packet but for its data, which the caller appends next, as one value, when
 * has_data says so. No Engine.IO type byte: it goes as a binary message. ERR_DECODE for a
 * namespace that is not UTF-8, `out` is then as it was. */
int sio_pack(Buffer *out, SioType type, const char *nsp, int64_t ack, bool has_data);

#endif
