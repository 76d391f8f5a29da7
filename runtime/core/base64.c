/* Base64, three bytes at a time. */
#include "core/base64.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *bytes, size_t len, char *out) {
  const uint8_t *in = bytes;
  for (size_t i = 0; i < len; i += 3, out += 4) {
    size_t left = len - i;
    uint32_t three = (uint32_t)in[i] << 16;
    if (left > 1) three |= (uint32_t)in[i + 1] << 8;
    if (left > 2) three |= in[i + 2];
    out[0] = digits[three >> 18];
    out[1] = digits[three >> 12 & 63];
    out[2] = left > 1 ? digits[three >> 6 & 63] : '=';
    out[3] = left > 2 ? digits[three & 63] : '=';
  }
  *out = '\0';
}

static int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Two, three or four characters without padding, as one, two or three bytes. */
static int decode_group(const char *in, size_t count, char *out) {
  uint32_t bits = 0;
  for (size_t i = 0; i < 4; i++) {
    int value = i < count ? value_of(in[i]) : 0;
    if (value < 0) return -1;
    bits = bits << 6 | (uint32_t)value;
  }
  if (count < 2 || (count == 2 && bits & 0xffff) || (count == 3 && bits & 0xff))
    return -1;
  for (size_t i = 0; i < count - 1; i++) out[i] = (char)(bits >> (16 - 8 * i));
  return (int)count - 1;
}

long base64_decode(const char *text, size_t len, char *out) {
  long written = 0;
  if (len % 4) return -1;
  for (size_t i = 0; i < len; i += 4) {
    size_t count = 4;
    if (i + 4 == len)
      count -= (text[i + 3] == '=') + (text[i + 3] == '=' && text[i + 2] == '=');
    int bytes = decode_group(text + i, count, out + written);
    if (bytes < 0) return -1;
    written += bytes;
  }
  return written;
}
