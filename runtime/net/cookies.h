/* A jar of cookies, of any number of servers, as RFC 6265 has it (and, of its revision,
 * what guards Secure cookies and the names __Host- and __Secure-). A connection has one
 * of its own, which keeps it with the same one of several servers behind a balancer
 * (sticky sessions); those of HTTP requests are a script's (resource/cookie_jars.h).
 * Times are the caller's: wall clock. Loop thread only. */
#ifndef TIDELOCK_NET_COOKIES_H
#define TIDELOCK_NET_COOKIES_H

#include "core/buffer.h"
#include "net/cookie_line.h"
#include "net/net_url.h"

typedef struct Cookies Cookies;

/* When there are more, those that are over go first, then the one of the same domain that
 * was not sent for longest, then such a one of any. */
enum { COOKIES_PER_DOMAIN = 50, COOKIES_MAX = 1000, COOKIES_MAX_BYTES = 1 << 20 };

Cookies *cookies_new(void); /* returns new */
void cookies_free(Cookies *cookies);
size_t cookies_count(const Cookies *cookies);
size_t cookies_bytes(const Cookies *cookies); /* that they hold */

/* Takes the Set-Cookie lines of an answer ("Name: value\n" each) that came from there. */
void cookies_take(Cookies *cookies, const NetUrl *from, const char *lines, size_t len,
                  double now);
/* Appends "Cookie: a=b; c=d" with those for that request, longer paths first, then older
 * ones; false when there are none. What `given` names ("x=y; z=w"; NULL: nothing) goes
 * out in front, and is not taken from the jar. `cookies` may be NULL. */
bool cookies_put(Cookies *cookies, const NetUrl *to, const char *given, Buffer *out,
                 double now);

/* Called when cookies that outlive the process came, changed or went, but not from
 * cookies_clear and cookies_put_back. */
void cookies_on_change(Cookies *cookies, void (*changed)(void *ctx), void *ctx);
void cookies_clear(Cookies *cookies);

/* One as it is kept; borrows from the jar. */
typedef struct CookieView {
  const char *pair; /* name=value */
  size_t name_len;
  const char *domain, *path;
  double until; /* INFINITY: with the process */
  bool host_only, secure, http_only;
} CookieView;

/* The oldest first, until anything is taken or put. i < cookies_count. Those that are
 * over are dropped by cookies_sort. */
void cookies_sort(Cookies *cookies, double now);
CookieView cookies_at(const Cookies *cookies, size_t i);
/* Copies what cookies_at gave once; one that is there already stays. False: it is no
 * cookie that a jar may hold. */
bool cookies_put_back(Cookies *cookies, const CookieView *view, double now);

#endif
