/* The writer of WebSocket frames, for both roles (RFC 6455, section 5), and the rules
 * that reader and writer share: masks and close codes. Pure. */
#include "proto/websocket_frame.h"

#include <string.h>

#include "core/utf8.h"

enum { MAX_CONTROL = WS_MAX_REASON + 2 };

bool ws_close_code_valid(int code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

void ws_mask(char *bytes, size_t len, const uint8_t mask[4], size_t offset) {
  uint8_t turned[8];
  for (size_t i = 0; i < 8; i++) turned[i] = mask[(offset + i) % 4];
  uint64_t key, word;
  memcpy(&key, turned, 8);
  size_t at = 0;
  for (; len - at >= 8; at += 8) {
    memcpy(&word, bytes + at, 8);
    word ^= key;
    memcpy(bytes + at, &word, 8);
  }
  for (size_t i = 0; at + i < len; i++) bytes[at + i] ^= (char)turned[i];
}

/* Writes length and mask bit in the shortest form; returns the bytes used. */
static size_t put_length(uint8_t *out, size_t len, bool masked) {
  uint8_t bit = masked ? 0x80 : 0;
  if (len < 126) {
    out[0] = bit | (uint8_t)len;
    return 1;
  }
  size_t bytes = len < 65536 ? 2 : 8;
  out[0] = bit | (bytes == 2 ? 126 : 127);
  for (size_t i = 0; i < bytes; i++)
    out[1 + i] = (uint8_t)((uint64_t)len >> 8 * (bytes - 1 - i));
  return 1 + bytes;
}

static inline void put_frame(Buffer *out, int first, const uint8_t mask[4],
                             const char *data, size_t len) {
  uint8_t *head = (uint8_t *)buffer_reserve(out, 14 + len);
  head[0] = (uint8_t)first;
  size_t head_len = 1 + put_length(head + 1, len, mask != NULL);
  if (mask) {
    memcpy(head + head_len, mask, 4);
    head_len += 4;
  }
  out->len += head_len;
  char *payload = out->data + out->len;
  buffer_put(out, data, len);
  if (mask) ws_mask(payload, len, mask, 0);
}

void ws_frame(Buffer *out, bool fin, WsOpcode opcode, const uint8_t mask[4],
              const char *data, size_t len) {
  CHECK(opcode < WS_CLOSE || (fin && len <= MAX_CONTROL));
  put_frame(out, (fin ? 0x80 : 0) | (int)opcode, mask, data, len);
}

void ws_frame_deflated(Buffer *out, WsOpcode opcode, const uint8_t mask[4],
                       const char *data, size_t len) {
  CHECK(opcode == WS_TEXT || opcode == WS_BINARY);
  put_frame(out, 0x80 | 0x40 | (int)opcode, mask, data, len);
}

/* The length of the longest start of a text that fits and ends between characters. */
static size_t cut_reason(const char *reason, size_t len) {
  if (len <= WS_MAX_REASON) return len;
  size_t cut = WS_MAX_REASON;
  while (cut > 0 && ((uint8_t)reason[cut] & 0xC0) == 0x80) cut--;
  return cut;
}

void ws_frame_close(Buffer *out, const uint8_t mask[4], int code, const char *reason,
                    size_t len) {
  char payload[MAX_CONTROL] = {(char)(code >> 8), (char)code};
  if (!ws_close_code_valid(code)) {
    ws_frame(out, true, WS_CLOSE, mask, NULL, 0);
    return;
  }
  len = utf8_valid(reason, len) ? cut_reason(reason, len) : 0;
  if (len) memcpy(payload + 2, reason, len);
  ws_frame(out, true, WS_CLOSE, mask, payload, 2 + len);
}
