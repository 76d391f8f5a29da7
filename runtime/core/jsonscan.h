/* The pass over JSON text before cJSON sees it: what cJSON accepts wrongly is refused
 * here (numbers like 01, raw control characters, invalid UTF-8, broken \u escapes, too
 * deep nesting), and what it would lose is carried around it. Structure (commas, colons,
 * brackets that match) is left to cJSON. */
#ifndef TIDELOCK_CORE_JSONSCAN_H
#define TIDELOCK_CORE_JSONSCAN_H

#include <endian.h>
#include <string.h>

#include "core/buffer.h"

/* A \u0000 becomes JSON_NUL_WIDTH bytes JSON_NUL, which no valid UTF-8 holds. */
enum { JSON_NUL = 0xFF, JSON_NUL_WIDTH = 6 };

typedef struct JsonScan {
  const char *text; /* borrowed */
  size_t len;
  Buffer *copy;     /* borrowed: empty, or the text with every rewriting, same length */
  bool nuls;        /* a \u0000 was rewritten */
  int open;         /* brackets that were opened and not closed, at the end */
  const char *what; /* when it failed: static text */
  size_t at;        /* and the byte where */
} JsonScan;

bool json_scan(JsonScan *s); /* false: see what and at */

/* --- runs of plain text, for the scan and the printer
 * -----------------------------------
 */

#define EACH_BYTE(byte) (0x0101010101010101ull * (byte))
#define ANY_BELOW(v, n) (((v)-EACH_BYTE(n)) & ~(v)&EACH_BYTE(0x80))

/* The first of the bits set stands at the first byte that is a control character, quote
 * or backslash; later ones may be wrong. */
static inline uint64_t json_special(uint64_t v) {
  return ANY_BELOW(v, 0x20) | ANY_BELOW(v ^ EACH_BYTE('"'), 1) |
         ANY_BELOW(v ^ EACH_BYTE('\\'), 1);
}

/* The length of the run of bytes at `text` that need no look within a JSON string: no
 * control character, quote or backslash. *high is set if one is not ASCII. */
static inline size_t json_plain_run(const char *text, size_t len, bool *high) {
  size_t i = 0;
  uint64_t seen = 0;
  for (; i + 8 <= len; i += 8) {
    uint64_t v, stop;
    memcpy(&v, text + i, 8);
    v = le64toh(v);
    if ((stop = json_special(v))) {
      unsigned n = (unsigned)__builtin_ctzll(stop) & ~7u;
      seen |= v & ((1ull << n) - 1);
      *high |= (seen & EACH_BYTE(0x80)) != 0;
      return i + n / 8;
    }
    seen |= v;
  }
  for (; i < len; i++) {
    uint8_t c = (uint8_t)text[i];
    if (c < 0x20 || c == '"' || c == '\\') break;
    seen |= c;
  }
  *high |= (seen & EACH_BYTE(0x80)) != 0;
  return i;
}

#endif
