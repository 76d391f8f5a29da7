/* RFC 6455 framing, pure: bytes in, events out; messages in, bytes out. Knows both roles.
 * No I/O, no clock, no randomness of its own (the caller gives masking keys).
 *
 * Everything the RFC asks is checked here: reserved bits, opcodes, masks by role, minimal
 * lengths, control frames whole and short, fragments in order, UTF-8 as it arrives, close
 * codes and reasons, message size. Compressed messages (RFC 7692) are inflated where that
 * was agreed to. */
#ifndef TIDELOCK_PROTO_WEBSOCKET_H
#define TIDELOCK_PROTO_WEBSOCKET_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/utf8.h"
#include "proto/deflate.h"

typedef enum WsRole { WS_CLIENT, WS_SERVER } WsRole;
typedef enum WsOpcode {
  WS_CONTINUATION = 0,
  WS_TEXT = 1,
  WS_BINARY = 2,
  WS_CLOSE = 8,
  WS_PING = 9,
  WS_PONG = 10
} WsOpcode;

/* A message, ping, pong or close of the peer. data is borrowed, valid until the next call
 * on the parser. WS_TEXT and WS_BINARY are whole messages. For WS_CLOSE `close_code` is
 * the code received (1005: none) and data its reason. */
typedef struct WsEvent {
  WsOpcode type;
  int close_code;
  char *data; /* writable: it points into the input or the parser's message buffer */
  size_t len;
} WsEvent;

typedef struct WsParser WsParser;
enum { WS_MAX_MESSAGE = 64 * 1024 * 1024 }; /* where the caller asks for no limit (0) */
WsParser *ws_parser_new(WsRole role, size_t max_message); /* returns new */
void ws_parser_free(WsParser *p);
/* From now on RSV1 marks compressed messages. Borrows `d`, which outlives the parser. */
void ws_parser_inflate(WsParser *p, Deflate *d);
/* A message that would take more memory than this, or than there is, is refused with
 * MEMORY. Set it before each ws_parse; SIZE_MAX at first. */
void ws_parser_allow(WsParser *p, size_t most);
size_t ws_parser_held(
    const WsParser *p); /* memory of a message that is gathered, or was returned */

/* Looks at *data (writable: unmasking and whole unfragmented frames are done in place)
 * and takes as many bytes as it can, adding their number to *used. Returns 1 with *event
 * filled, 0 when more bytes are needed, or -1 on a violation with *err filled (PROTOCOL,
 * TOO_LARGE or MEMORY) and *close_code set to the RFC's code (1002, 1007, 1009).
 * After a violation or a WS_CLOSE nothing more is accepted: bytes are taken and dropped.
 * Incomplete frames are kept by the parser: the caller never presents bytes twice. So:
 *   size_t used = 0;
 *   while ((r = ws_parse(p, data + used, len - used, &used, &event, &code, &err)) > 0)
 *     ...; */
int ws_parse(WsParser *p, char *data, size_t len, size_t *used, WsEvent *event,
             int *close_code, Error *err);

/* Appends one frame to out. A client gives a random 4-byte mask, a server NULL. */
void ws_frame(Buffer *out, bool fin, WsOpcode opcode, const uint8_t mask[4],
              const char *data, size_t len);
/* The same for a whole message of data that deflate_write has compressed: RSV1 is set. */
void ws_frame_deflated(Buffer *out, WsOpcode opcode, const uint8_t mask[4],
                       const char *data, size_t len);
enum { WS_MAX_REASON = 123 };
/* Appends a close frame. A code that may not stand in one (0, 1005, 1006) sends none. The
 * reason is cut at WS_MAX_REASON bytes between characters, and left out when it is not
 * UTF-8. */
void ws_frame_close(Buffer *out, const uint8_t mask[4], int code, const char *reason,
                    size_t len);
/* Masks or unmasks in place bytes that start at `offset` of a payload. */
void ws_mask(char *bytes, size_t len, const uint8_t mask[4], size_t offset);
/* Whether a close code may stand in a frame (1000-1003, 1007-1014, 3000-4999). */
bool ws_close_code_valid(int code);

/* --- the opening handshake (client) ----------------------------------------------- */

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
