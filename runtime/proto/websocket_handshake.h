/* The opening handshake of a WebSocket client (RFC 6455, section 4): the request, and
 * reading the answer. Pure. */
#ifndef TIDELOCK_PROTO_WEBSOCKET_HANDSHAKE_H
#define TIDELOCK_PROTO_WEBSOCKET_HANDSHAKE_H

#include "core/buffer.h"
#include "core/error.h"
#include "proto/deflate.h"

enum { WS_KEY_LEN = 24, WS_MAX_HANDSHAKE = 16 * 1024 };

/* The base64 of 16 random bytes given by the caller; out holds WS_KEY_LEN + 1. */
void ws_key(const uint8_t random[16], char *out);
/* The Sec-WebSocket-Accept for a key; out holds 29 bytes. */
void ws_accept(const char *key, char *out);

typedef struct WsRequest {
  const char *host, *target, *key; /* "example.org:8080", "/path?query" */
  const char *subprotocols;        /* NULL: none */
  const char *const *headers;      /* NULL-terminated; NULL: none */
  const DeflateOptions *deflate;   /* NULL, or not enabled: no compression is offered */
  double now; /* wall clock, from which a date in Retry-After counts */
} WsRequest;
/* ERR_INVALID when a part could not stand in a request or break out of its line, or a
 * header is one that the handshake itself sends. Call it before ws_request. */
int ws_request_check(const WsRequest *request, Error *err);
/* Appends the request. A Host header among request->headers replaces ours. */
void ws_request(Buffer *out, const WsRequest *request);

/* Reads the server's answer. Returns the number of bytes it took (the first byte after it
 * belongs to the first frame), 0 when more is needed, -1 with *err filled: HANDSHAKE,
 * with the status and the start of the body in the detail, or TOO_LARGE. `request` is
 * the one that was sent: its key, subprotocols and deflate count. */
typedef struct WsAgreed {
  char subprotocol[128]; /* "": none */
  DeflateTerms deflate;
} WsAgreed;
long ws_response(const char *data, size_t len, const WsRequest *request, WsAgreed *agreed,
                 Error *err);

#endif
