/* Bytes as hexadecimal digits (RFC 4648, section 8), two for each byte. Pure. */
#ifndef TIDELOCK_CORE_HEX_H
#define TIDELOCK_CORE_HEX_H

#include "core/base.h"

/* Writes 2 * len lower-case digits to out, and no NUL. */
void hex_write(const void *bytes, size_t len, char *out);
/* Reads digits of either case. Returns how many bytes were written to out (which may be
 * the text itself), or -1: a character that is no digit, or a digit alone. */
long hex_read(const char *text, size_t len, char *out);

#endif
