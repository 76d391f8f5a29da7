/* Bytes as hexadecimal digits: see hex.h. */
#include "core/hex.h"

void hex_write(const void *bytes, size_t len, char *out) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *in = bytes;
  for (size_t i = 0; i < len; i++) {
    out[2 * i] = digits[in[i] >> 4];
    out[2 * i + 1] = digits[in[i] & 15];
  }
}

static int value_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

long hex_read(const char *text, size_t len, char *out) {
  if (len % 2) return -1;
  for (size_t i = 0; i < len; i += 2) {
    int high = value_of(text[i]), low = value_of(text[i + 1]);
    if (high < 0 || low < 0) return -1;
    out[i / 2] = (char)(high << 4 | low);
  }
  return (long)(len / 2);
}
