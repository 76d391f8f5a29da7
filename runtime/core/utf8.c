/* UTF-8 checking. Text is mostly ASCII: runs of it are skipped 32 and 8 bytes at a time;
 * the rest goes through a state of three bytes, so that a check can stop anywhere. */
#include "core/utf8.h"

#include <string.h>

static bool is_ascii8(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return (word & 0x8080808080808080u) == 0;
}

static bool is_ascii32(const uint8_t *at) {
  uint64_t word[4];
  memcpy(word, at, 32);
  return ((word[0] | word[1] | word[2] | word[3]) & 0x8080808080808080u) == 0;
}

static const uint8_t *skip_ascii(const uint8_t *at, const uint8_t *end) {
  while (end - at >= 32 && is_ascii32(at)) at += 32;
  while (end - at >= 8 && is_ascii8(at)) at += 8;
  while (at < end && *at < 0x80) at++;
  return at;
}

/* The first byte of a character of two bytes or more (RFC 3629, section 4): it says how
 * many follow, and which the first of them may be. */
static bool take_lead(Utf8 *u, uint8_t byte) {
  u->low = 0x80;
  u->high = 0xBF;
  if (byte < 0xC2 || byte > 0xF4) return false;
  u->need = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
  if (byte == 0xE0) u->low = 0xA0;  /* less would be an overlong form */
  if (byte == 0xED) u->high = 0x9F; /* more would be a surrogate */
  if (byte == 0xF0) u->low = 0x90;
  if (byte == 0xF4) u->high = 0x8F; /* more would be above U+10FFFF */
  return true;
}

static bool take_follower(Utf8 *u, uint8_t byte) {
  if (byte < u->low || byte > u->high) return false;
  u->low = 0x80;
  u->high = 0xBF;
  u->need--;
  return true;
}

bool utf8_feed(Utf8 *state, const void *bytes, size_t len) {
  if (len == 0) return true;
  const uint8_t *at = bytes, *end = at + len;
  Utf8 u = *state;
  for (;;) {
    while (u.need && at < end)
      if (!take_follower(&u, *at++)) return false;
    if (u.need == 0 && at < end && *at < 0x80) at = skip_ascii(at, end);
    if (at == end) break;
    if (!take_lead(&u, *at++)) return false;
  }
  *state = u;
  return true;
}

bool utf8_complete(const Utf8 *u) {
  return u->need == 0;
}

bool utf8_valid(const void *bytes, size_t len) {
  Utf8 u = {0};
  return utf8_feed(&u, bytes, len) && utf8_complete(&u);
}

/* Appends one character that is not ASCII, or its replacement; returns where the next
 * begins. */
static const uint8_t *mend_character(const uint8_t *at, const uint8_t *end, Buffer *out) {
  const uint8_t *start = at;
  Utf8 u = {0};
  bool good = take_lead(&u, *at++);
  while (good && u.need && at < end && (good = take_follower(&u, *at))) at++;
  if (good && u.need == 0) buffer_put(out, start, (size_t)(at - start));
  else buffer_puts(out, "\xEF\xBF\xBD");
  return at;
}

void utf8_mend(const void *bytes, size_t len, Buffer *out) {
  const uint8_t *at = bytes, *end = at + len;
  while (at < end) {
    const uint8_t *ascii = at;
    at = skip_ascii(at, end);
    buffer_put(out, ascii, (size_t)(at - ascii));
    if (at < end) at = mend_character(at, end, out);
  }
}
