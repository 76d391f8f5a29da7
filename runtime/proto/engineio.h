/* Engine.IO v4: packets, alone as WebSocket messages and joined as polling payloads; the
 * handshake; addresses. Pure. */
#ifndef TIDELOCK_PROTO_ENGINEIO_H
#define TIDELOCK_PROTO_ENGINEIO_H

#include "core/buffer.h"
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

enum { EIO_MAX_SID = 4096 }; /* bytes */

typedef struct EioOpen {
  char sid[3 * EIO_MAX_SID + 1];      /* escaped, as an address has it */
  double ping_interval, ping_timeout; /* seconds */
  size_t max_payload;                 /* bytes; 0: the server named none */
  bool websocket;                     /* it offers to upgrade to a WebSocket */
} EioOpen;

/* Reads the handshake packet's JSON. A sid and delays must be there, else ERR_PROTOCOL;
 * the rest is read as the reference client reads it: odd members are ignored. */
int eio_parse_open(JsonArena *arena, const char *json, size_t len, EioOpen *open,
                   Error *err);

typedef enum EioTransports {
  EIO_NONE = 0,
  EIO_WEBSOCKET = 1,
  EIO_POLLING = 2
} EioTransports;
const char *eio_transport_name(EioTransports transport); /* static */

/* Appends path (made to end with a slash, if asked) and query of a request:
 * "?EIO=4&transport=websocket", after a query that the URL has already, and the session's
 * sid, unless that is NULL. */
void eio_target(Buffer *out, const char *path, bool slash, const char *query,
                EioTransports transport, const char *sid);

/* --- polling ----------------------------------------------------------------------
 * A payload is packets joined by 0x1e; binary messages stand in it as 'b' and base64. */
typedef struct EioPart {
  bool binary;
  const char *data; /* a packet with its type byte, or the bytes of a binary message */
  size_t len;
} EioPart;
/* Whether an answer to the opening request is one of Engine.IO before version 4: its
 * payloads have lengths, "95:0{...}", and its servers, or later ones set to that version
 * alone, refuse ours with a text. */
bool eio_is_older(const char *body, size_t len);
int eio_older(Error *err); /* ERR_UNSUPPORTED, with what to do about it */

/* Takes the next one of *rest (moved on); bytes are decoded in place, so that the payload
 * is written to. Returns 1, 0 at the end, or -1 (PROTOCOL) with *err filled. */
int eio_next(char **rest, size_t *len, EioPart *part, Error *err);
/* Appends a packet (with its type byte) or the bytes of a binary message. */
void eio_put(Buffer *payload, bool binary, const char *data, size_t len);
size_t eio_put_len(bool binary, size_t len); /* what eio_put would append at most */

#endif
