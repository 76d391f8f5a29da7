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
