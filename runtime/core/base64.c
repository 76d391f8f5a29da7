/* Base64, three bytes at a time. */
#include "core/base64.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* --- writing ----------------------------------------------------------------------- */

/* One or two bytes; returns the end. */
static char *write_rest(Base64Form form, const uint8_t *in, size_t left, char *out) {
  const char *set = form.url ? url_digits : digits;
  uint32_t bits = (uint32_t)in[0] << 16 | (left > 1 ? (uint32_t)in[1] << 8 : 0);
  *out++ = set[bits >> 18];
  *out++ = set[bits >> 12 & 63];
  if (left > 1) *out++ = set[bits >> 6 & 63];
  for (size_t i = left; i < 3 && !form.bare; i++) *out++ = '=';
  return out;
}

size_t base64_write(Base64Form form, const void *bytes, size_t len, char *out) {
  const char *set = form.url ? url_digits : digits;
  const uint8_t *in = bytes;
  char *at = out;
  for (; len >= 3; len -= 3, in += 3, at += 4) {
    uint32_t three = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
    at[0] = set[three >> 18];
    at[1] = set[three >> 12 & 63];
    at[2] = set[three >> 6 & 63];
    at[3] = set[three & 63];
  }
  if (len) at = write_rest(form, in, len, at);
  return (size_t)(at - out);
}

void base64_encode(const void *bytes, size_t len, char *out) {
  out[base64_write((Base64Form){0}, bytes, len, out)] = '\0';
}

/* --- reading ----------------------------------------------------------------------- */

static int value_of(Base64Form form, char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == (form.url ? '-' : '+')) return 62;
  return c == (form.url ? '_' : '/') ? 63 : -1;
}

/* Two, three or four characters without padding, as one, two or three bytes. */
static int decode_group(Base64Form form, const char *in, size_t count, char *out) {
  uint32_t bits = 0;
  for (size_t i = 0; i < 4; i++) {
    int value = i < count ? value_of(form, in[i]) : 0;
    if (value < 0) return -1;
    bits = bits << 6 | (uint32_t)value;
  }
  if (count < 2 || (count == 2 && bits & 0xffff) || (count == 3 && bits & 0xff))
    return -1;
  for (size_t i = 0; i < count - 1; i++) out[i] = (char)(bits >> (16 - 8 * i));
  return (int)count - 1;
}

/* The characters of the last group that stand for bytes. */
static size_t count_last(Base64Form form, const char *group, size_t len) {
  if (form.bare || group[3] != '=') return len;
  return group[2] == '=' ? 2 : 3;
}

long base64_read(Base64Form form, const char *text, size_t len, char *out) {
  long written = 0;
  if (!form.bare && len % 4) return -1;
  for (size_t i = 0; i < len; i += 4) {
    size_t count = len - i > 4 ? 4 : count_last(form, text + i, len - i);
    int bytes = decode_group(form, text + i, count, out + written);
    if (bytes < 0) return -1;
    written += bytes;
  }
  return written;
}

long base64_decode(const char *text, size_t len, char *out) {
  return base64_read((Base64Form){0}, text, len, out);
}
