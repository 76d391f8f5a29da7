/* How a host is reached and trusted: what HTTP requests and WebSockets have in common.
 * Pure but for what it sets on a transfer. */
#ifndef TIDELOCK_NET_ROUTE_H
#define TIDELOCK_NET_ROUTE_H

#include "core/error.h"
#include "net/net.h"
#include "net/net_url.h"

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
uint64_t route_hash(uint64_t hash, const Route *route); /* the same of what is equal */
/* What can be seen without asking the network. INVALID, URL; NOT_FOUND for a file that
 * cannot be read. */
int route_check(const Route *route, Error *err);

/* Which proxy leads to a URL: decided here alone, for requests and connections. */
typedef struct RouteProxy {
  char *url;    /* owned; NULL: none */
  bool forward; /* it is an HTTP proxy and the URL is http: a request may name it whole */
} RouteProxy;
void route_proxy(const Route *route, const NetUrl *url, RouteProxy *out);
void route_proxy_free(RouteProxy *proxy);
/* Whether a host ("example.org", "[::1]") and its port are named by a no_proxy list. */
bool route_no_proxy(const char *list, const char *host, const char *port);

/* Sets on the transfer's easy handle how the URL's host is reached and trusted, and names
 * the proxy on the way. */
void route_apply(const Route *route, const NetUrl *url, Transfer *transfer);
/* That, of a proxy that is connected to as if it were the host. */
void route_name_proxy(const char *proxy, Transfer *transfer);

#endif
