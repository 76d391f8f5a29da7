/* Base64 (RFC 4648, section 4, with padding). Pure. */
#ifndef TIDELOCK_CORE_BASE64_H
#define TIDELOCK_CORE_BASE64_H

#include "core/base.h"

#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Writes BASE64_LEN(len) characters and a final NUL to out. */
void base64_encode(const void *bytes, size_t len, char *out);
/* Returns how many bytes were written to out (which may be the text itself), or -1: a
 * character that is none, wrong padding, bits left over. */
long base64_decode(const char *text, size_t len, char *out);

#endif
