/* The cookies of one server, as a client of its own holds them: by name, until they
 * expire. Domain and path are not looked at, since nobody else is asked with them. They
 * keep a client with the same one of several servers behind a balancer (sticky sessions).
 */
#ifndef TIDELOCK_NET_COOKIES_H
#define TIDELOCK_NET_COOKIES_H

#include "core/buffer.h"

typedef struct Cookies Cookies;

enum { COOKIES_MAX = 50, COOKIE_MAX_LEN = 4096 }; /* RFC 6265, 6.1; more are not kept */

Cookies *cookies_new(void); /* returns new */
void cookies_free(Cookies *cookies);
/* Takes the Set-Cookie lines of a response ("Name: value\n" each); now: wall clock. */
void cookies_take(Cookies *cookies, const char *lines, size_t len, double now);
/* Appends "Cookie: a=b; c=d"; false when there are none. */
bool cookies_put(Cookies *cookies, Buffer *out, double now);
/* As cookies_put, but with the pairs of `given` first ("x=y; z=w"; NULL: none). What it
 * names is not taken from the cookies held. `cookies` may be NULL. */
bool cookies_merge(Cookies *cookies, const char *given, Buffer *out, double now);

#endif
