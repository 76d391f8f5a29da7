/* RFC 6455 framing, pure: bytes in, events out, for both roles.
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
#include "proto/websocket_frame.h"
#include "proto/websocket_handshake.h"

typedef enum WsRole { WS_CLIENT, WS_SERVER } WsRole;
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

#endif
