/* Runs of plain text in JSON strings, found eight bytes at a time: for the reader and the
 * printer. */
#ifndef TIDELOCK_CORE_JSONRUN_H
#define TIDELOCK_CORE_JSONRUN_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EACH_BYTE(byte) (0x0101010101010101ull * (byte))

static inline uint64_t json_word(const char *text) {
  uint64_t v;
  memcpy(&v, text, 8);
  return le64toh(v);
}

/* The first of the bits set is the highest of the first byte that is a control character,
 * quote or backslash; later ones may be wrong. */
static inline uint64_t json_special(uint64_t v) {
  uint64_t control = v - EACH_BYTE(0x20);
  uint64_t quote = (v ^ EACH_BYTE('"')) - EACH_BYTE(1);
  uint64_t backslash = (v ^ EACH_BYTE('\\')) - EACH_BYTE(1);
  return (control | quote | backslash) & ~v & EACH_BYTE(0x80);
}

static inline bool json_is_special(uint8_t c) {
  return c < 0x20 || c == '"' || c == '\\';
}

/* How many bytes stand before the first that json_special found. */
static inline unsigned json_before(uint64_t special) {
  return (unsigned)__builtin_ctzll(special) / 8;
}

/* Those bytes; of the byte after them only bits that json_high ignores. */
static inline uint64_t json_bytes_before(uint64_t v, uint64_t special) {
  return v & (special ^ (special - 1));
}

static inline bool json_high(uint64_t seen) {
  return (seen & EACH_BYTE(0x80)) != 0;
}

/* The length of the run of plain bytes at `text`: no control character, quote or
 * backslash. *high is set if one is not ASCII. */
static inline size_t json_plain_run(const char *text, size_t len, bool *high) {
  size_t i = 0;
  uint64_t seen = 0;
  for (; i + 8 <= len; i += 8) {
    uint64_t v = json_word(text + i), special = json_special(v);
    if (special) {
      *high |= json_high(seen | json_bytes_before(v, special));
      return i + json_before(special);
    }
    seen |= v;
  }
  for (; i < len && !json_is_special((uint8_t)text[i]); i++) seen |= (uint8_t)text[i];
  *high |= json_high(seen);
  return i;
}

#endif
