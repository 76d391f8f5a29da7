/* UTF-8 as RFC 3629 has it (no surrogates, no overlong forms, nothing above U+10FFFF),
 * checked whole or as it arrives. */
#ifndef TIDELOCK_CORE_UTF8_H
#define TIDELOCK_CORE_UTF8_H

#include "core/buffer.h"

/* A zeroed Utf8 stands at a character boundary. */
typedef struct Utf8 {
  uint8_t need;      /* continuation bytes still to come */
  uint8_t low, high; /* the range that the next one must be in */
} Utf8;

bool utf8_feed(Utf8 *u, const void *bytes, size_t len); /* false: invalid, fails fast */
bool utf8_complete(const Utf8 *u);                      /* false: inside a character */
bool utf8_valid(const void *bytes, size_t len);
/* Appends the text with U+FFFD for each sequence that is invalid (Unicode, 3.9: a maximal
 * subpart is replaced as one, as the WHATWG Encoding Standard does it). */
void utf8_mend(const void *bytes, size_t len, Buffer *out);

#endif
