/* WebSocket frames, written for both roles, and the rules that reader and writer share:
 * masks and close codes. Pure. */
#ifndef TIDELOCK_PROTO_WEBSOCKET_FRAME_H
#define TIDELOCK_PROTO_WEBSOCKET_FRAME_H

#include "core/buffer.h"

typedef enum WsOpcode {
  WS_CONTINUATION = 0,
  WS_TEXT = 1,
  WS_BINARY = 2,
  WS_CLOSE = 8,
  WS_PING = 9,
  WS_PONG = 10
} WsOpcode;

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

#endif
