/* The names that a request carries: whom it is for (Host) and which page sends it
 * (Origin), read as RFC 3986 and RFC 6454 write them, and whether a server lets them in.
 *
 * Why. A page in a browser may send requests to any address, a server on loopback
 * included; and who owns a name can let it point there (DNS rebinding), so that the
 * browser takes the page and the server for one site. The page can choose neither header:
 * a server that answers only to names of its own is out of its reach. Loopback names with
 * the server's own port are always let in: no stranger's name is among them.
 *
 * Pure. */
#ifndef TIDELOCK_NET_HOSTS_H
#define TIDELOCK_NET_HOSTS_H

#include "core/base.h"

typedef struct Authority {
  char name[256]; /* lower-case, without a dot at its end; IPv6 as "[::1]" */
  int port;       /* -1: not given */
} Authority;

typedef struct Origin {
  char scheme[32]; /* lower-case; "" for the origin "null" */
  Authority at;    /* its port is the scheme's own when none is given */
} Origin;

/* False: the text is none, and what was written to is not to be used. */
bool authority_read(const char *text, Authority *authority);
bool origin_read(const char *text, Origin *origin);

/* localhost and names below it, 127.0.0.0/8, ::1. */
bool authority_is_loopback(const Authority *authority);
/* The same of an address to bind: "127.0.0.1", "::1". */
bool address_is_loopback(const char *address);

/* Whether an entry of the lists below can be one: "name", "name:port", "*.name", "*";
 * "scheme://name:port", "null", "*". */
bool host_entry_valid(const char *entry);
bool origin_entry_valid(const char *entry);

/* Whether a server on `port` answers to this name. hosts: entries, NULL-terminated, or
 * NULL; one without a port is for every port. */
bool host_allowed(const char *const *hosts, const Authority *host, int port);
/* Whether it takes a request from this origin, sent to `host`, which is allowed (NULL:
 * to no name): from itself under any of its names, or from an entry of `origins`. */
bool origin_allowed(const char *const *origins, const Origin *origin,
                    const Authority *host, int port);

/* Such a list: a copy, owned by the caller until names_free; NULL stays NULL. */
const char *const *names_copy(const char *const *names);
const char *const *names_joined(const char *const *a, const char *const *b); /* new */
void names_free(const char *const *names);
bool names_same(const char *const *a, const char *const *b);

#endif
