/* How a host is reached and trusted: what HTTP requests and WebSockets have in common.
 * Pure but for what it sets on an easy handle. */
#ifndef TIDELOCK_NET_ROUTE_H
#define TIDELOCK_NET_ROUTE_H

#include <curl/curl.h>

#include "core/error.h"

/* Strings are borrowed, unless route_copy made them. */
typedef struct Route {
  const char *proxy; /* its URL: http, https, socks4, socks4a, socks5, socks5h; "": none;
                        NULL: as the environment says */
  const char *ca_file; /* PEM of the certificates to trust; NULL: the system's */
  const char *cert, *key, *key_password; /* PEM files of this side; NULL: none */
  const char *pin;     /* "sha256//..." of the server's public key, several with ';' */
  const char *ciphers; /* OpenSSL's list, up to TLS 1.2; NULL: the library's */
  bool insecure;       /* do not check certificates: for tests */
} Route;

void route_copy(Route *to, const Route *from); /* to owns its strings */
void route_free(Route *route);                 /* one that route_copy made */
bool route_equal(const Route *a, const Route *b);
/* What can be seen without asking the network. INVALID, URL; NOT_FOUND for a file that
 * cannot be read. */
int route_check(const Route *route, Error *err);
/* unix_path: of the socket to use instead of the network, or NULL. */
void route_apply(const Route *route, const char *unix_path, CURL *easy);

#endif
