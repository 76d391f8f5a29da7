/* Engine.IO v4 packets over WebSocket: one packet a message. Pure. (Polling payloads come
 * with the polling transport.) */
#ifndef TIDELOCK_PROTO_ENGINEIO_H
#define TIDELOCK_PROTO_ENGINEIO_H

#include "core/error.h"
#include "core/json.h"

typedef enum EioType {
  EIO_OPEN = '0',
  EIO_CLOSE = '1',
  EIO_PING = '2',
  EIO_PONG = '3',
  EIO_MESSAGE = '4',
  EIO_UPGRADE = '5',
  EIO_NOOP = '6'
} EioType;

typedef struct EioPacket {
  EioType type;
  const char *data; /* borrowed from the message */
  size_t len;
} EioPacket;

/* Returns 0, or ERR_PROTOCOL with *err filled. */
int eio_parse(const char *text, size_t len, EioPacket *packet, Error *err);

typedef struct EioOpen {
  char sid[128];
  double ping_interval, ping_timeout; /* seconds */
  size_t max_payload;                 /* bytes; 0: the server named none */
} EioOpen;

/* Reads the handshake packet's JSON; wrong or missing fields give ERR_PROTOCOL. */
int eio_parse_open(JsonArena *arena, const char *json, size_t len, EioOpen *open,
                   Error *err);

/* Appends path and query for the WebSocket transport to out:
 * "?EIO=4&transport=websocket", keeping a query that is there already. */
void eio_websocket_target(Buffer *out, const char *path, const char *query);

#endif
