/* Dates as HTTP writes them (RFC 9110, 5.6.7), and Retry-After, which may be one. Pure.
 */
#ifndef TIDELOCK_PROTO_HTTPDATE_H
#define TIDELOCK_PROTO_HTTPDATE_H

#include "core/base.h"

/* The seconds since 1970 of a date in one of the three forms, or NAN for what is none. A
 * year of two digits is one of the last 50 years or the next 50: `now` is the wall clock.
 */
double http_date(const char *text, double now);

/* The same of a cookie's Expires, which servers write in many ways ("01-Jan-70 00:00:00",
 * words in any order): as RFC 6265, 5.1.1 has it. Years of two digits are 1970 to 2069.
 */
double http_cookie_date(const char *text);

/* The seconds that a Retry-After asks for: whole ones, a fraction rounded up, a year at
 * most; 0 for what is over; NAN for what is neither seconds nor a date. A date counts
 * from `date`, the answer's own (NULL: it has none), else from now. */
double http_retry_after(const char *value, const char *date, double now);

#endif
