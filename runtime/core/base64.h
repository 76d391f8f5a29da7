/* Base64 (RFC 4648, section 4, with padding). Pure. */
#ifndef TIDELOCK_CORE_BASE64_H
#define TIDELOCK_CORE_BASE64_H

#include "core/base.h"

#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Writes BASE64_LEN(len) characters and a final NUL to out. */
void base64_encode(const void *bytes, size_t len, char *out);

#endif
