/* A name with an IPv6 and an IPv4 address, which no file or server of this machine need
 * know: preloaded by address_test.sh, `both.test` is ::1 and then 127.0.0.1. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

typedef int Resolve(const char *, const char *, const struct addrinfo *,
                    struct addrinfo **);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
  Resolve *resolve = (Resolve *)dlsym(RTLD_NEXT, "getaddrinfo");
  if (!node || strcmp(node, "both.test") != 0)
    return resolve(node, service, hints, found);
  int failed = resolve("::1", service, hints, found);
  if (failed) return failed;
  struct addrinfo *last = *found;
  while (last->ai_next) last = last->ai_next;
  return resolve("127.0.0.1", service, hints, &last->ai_next);
}
