/* Text from others, made safe for a terminal: control characters that a terminal
 * interprets become "?": C0 but line ends and tabs, DEL, C1 as bytes and as UTF-8
 * (U+0080 to U+009F), a carriage return that no line feed follows, and bytes that are no
 * UTF-8. A text may come in pieces that end anywhere. */
#ifndef TIDELOCK_CORE_CLEAN_H
#define TIDELOCK_CORE_CLEAN_H

#include "core/buffer.h"

/* Zeroed: at the beginning. */
typedef struct Cleaner {
  uint8_t left;      /* bytes of a character that are still to come */
  uint8_t low, high; /* between which the next of them lies */
  bool returned;     /* the last byte was a carriage return */
} Cleaner;

void clean_text(Cleaner *c, const char *text, size_t len, Buffer *out); /* appends */

#endif
