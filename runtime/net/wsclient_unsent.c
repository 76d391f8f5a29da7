/* What a connection that ends has not sent: the messages of which the system has not
 * taken the last byte. The peer has seen none of them whole. */
#include <string.h>

#include "net/wsclient_parts.h"

typedef struct Frame {
  WsOpcode opcode;
  bool compressed;
  char *data;
  size_t len, whole; /* whole: with its head */
} Frame;

/* One of our own, as ws_frame wrote it; it is unmasked. False: there is no more. */
static bool take_frame(char *at, size_t left, Frame *frame) {
  const uint8_t *head = (const uint8_t *)at;
  if (left < 2) return false;
  size_t len = head[1] & 0x7f, used = 2, bytes = len == 126 ? 2 : len == 127 ? 8 : 0;
  if (bytes) len = 0;
  for (size_t i = 0; i < bytes; i++) len = len << 8 | head[used++];
  const uint8_t *mask = head + used;
  used += 4;
  if (used > left || len > left - used) return false;
  *frame =
      (Frame){(WsOpcode)(head[0] & 0x0f), head[0] & 0x40, at + used, len, used + len};
  ws_mask(frame->data, len, mask, 0);
  return true;
}

static void report_frames(const WsClient *ws, const Buffer *of, size_t written) {
  Frame frame;
  for (size_t at = 0; take_frame(of->data + at, of->len - at, &frame);
       at += frame.whole) {
    bool message = frame.opcode == WS_TEXT || frame.opcode == WS_BINARY;
    if (!message || at + frame.whole <= written) continue;
    const char *data = frame.compressed ? NULL : frame.data;
    ws->callbacks.unsent(ws->ctx, frame.opcode == WS_BINARY, data, frame.len);
  }
}

void ws_report_unsent(WsClient *ws) {
  bool waits = ws->writing.len > ws->written || ws->queued.len > 0;
  if (!ws->framed || !waits || !ws->callbacks.unsent || ws->orphan) return;
  Buffer writing = ws->writing, queued = ws->queued;
  ws->writing = ws->queued = (Buffer){0};
  if (writing.len) report_frames(ws, &writing, ws->written);
  if (queued.len) report_frames(ws, &queued, 0);
  ws->written = 0;
  ws->given_up = true;
  buffer_free(&writing);
  buffer_free(&queued);
}
