/* One Set-Cookie line, taken apart as RFC 6265, 5.2 has it. Pure. */
#ifndef TIDELOCK_NET_COOKIE_LINE_H
#define TIDELOCK_NET_COOKIE_LINE_H

#include "core/base.h"

enum { COOKIE_MAX_LEN = 4096 };           /* of name and value together */
enum { COOKIE_MAX_AGE = 400 * 86400 };    /* seconds; longer ones are cut (bis, 5.5) */
enum { COOKIE_MAX_ATTRIBUTE_LEN = 1024 }; /* of an attribute's value; longer: not there */

typedef struct CookiePart {
  const char *at;
  size_t len;
} CookiePart;

/* Borrows from the line. */
typedef struct CookieLine {
  CookiePart name, value;
  CookiePart domain; /* without the dot in front; len 0: none */
  CookiePart path;   /* len 0: none that counts */
  double until;      /* wall clock; INFINITY: with the process; 0: it is over */
  bool secure, http_only;
  bool has_domain; /* an attribute of that name is there, whatever it says */
} CookieLine;

/* What follows "Set-Cookie:". False: it is no cookie, or one that nobody should keep. */
bool cookie_line_read(const char *text, size_t len, double now, CookieLine *out);

#endif
