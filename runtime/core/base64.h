/* Base64 (RFC 4648, sections 4 and 5). Pure. Reading takes the one spelling that writing
 * gives, and no other. */
#ifndef TIDELOCK_CORE_BASE64_H
#define TIDELOCK_CORE_BASE64_H

#include "core/base.h"

/* The characters of the written form, with its padding; what is bare is shorter. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

typedef struct Base64Form {
  bool url;  /* "-" and "_" stand for "+" and "/" */
  bool bare; /* no "=" fills up the last four characters */
} Base64Form;

/* Writes BASE64_LEN(len) characters and a final NUL to out. */
void base64_encode(const void *bytes, size_t len, char *out);
/* Returns how many bytes were written to out (which may be the text itself), or -1: a
 * character that is none, wrong padding, bits left over. */
long base64_decode(const char *text, size_t len, char *out);

/* The same in any form. base64_write adds no NUL, and returns the number of characters.
 * Texts can be worked through in pieces of 3 bytes, or 4 characters, times any number:
 * all but the last are read bare. */
size_t base64_write(Base64Form form, const void *bytes, size_t len, char *out);
long base64_read(Base64Form form, const char *text, size_t len, char *out);

#endif
