/* Which proxy leads where. What a script names is used for every host; else the
 * environment decides: http_proxy (in small letters only, since HTTP_PROXY can be set by
 * whoever asks a CGI program), https_proxy, all_proxy, and no_proxy, which counts for
 * these alone. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/route.h"

/* --- no_proxy --------------------------------------------------------------------- */

typedef struct Host {
  const char *name;
  size_t len;
  const char *port;
} Host;

static bool equals_host(const Host *host, const char *text, size_t len) {
  return host->len == len && strncasecmp(host->name, text, len) == 0;
}

/* The domain itself and whatever is below it. */
static bool is_within(const Host *host, const char *domain, size_t len) {
  if (len && *domain == '.') domain++, len--;
  if (len && domain[len - 1] == '.') len--;
  if (len == 0) return false;
  if (equals_host(host, domain, len)) return true;
  if (host->len <= len || host->name[host->len - len - 1] != '.') return false;
  return strncasecmp(host->name + host->len - len, domain, len) == 0;
}

/* The bytes of an address; returns how many, 0 for what is none. */
static size_t read_address(const char *text, size_t len, unsigned char *out) {
  char copy[64];
  if (len >= sizeof copy) return 0;
  memcpy(copy, text, len);
  copy[len] = '\0';
  if (inet_pton(AF_INET, copy, out) == 1) return 4;
  return inet_pton(AF_INET6, copy, out) == 1 ? 16 : 0;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits) {
  unsigned whole = bits / 8, rest = bits % 8;
  if (memcmp(a, b, whole) != 0) return false;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

/* "10.0.0.0/8", "::1", "192.168.1.7" */
static bool is_address(const Host *host, const char *text, size_t len) {
  unsigned char wanted[16], given[16];
  const char *slash = memchr(text, '/', len);
  size_t address = slash ? (size_t)(slash - text) : len;
  size_t bytes = read_address(text, address, wanted);
  if (bytes == 0 || read_address(host->name, host->len, given) != bytes) return false;
  unsigned long bits = slash ? strtoul(slash + 1, NULL, 10) : bytes * 8;
  return bits <= bytes * 8 && same_bits(wanted, given, (unsigned)bits);
}

static bool matches_entry(const Host *host, const char *entry, size_t len) {
  Host any_port = *host;
  if (len == 1 && *entry == '*') return true;
  if (is_address(host, entry, len)) return true;
  const char *colon = memrchr(entry, ':', len);
  bool only = colon && memchr(entry, ':', len) == colon;
  if (len && *entry == '[') {
    const char *end = memchr(entry, ']', len);
    if (!end) return false;
    only = end + 1 < entry + len && end[1] == ':';
    if (!only) return is_address(host, entry + 1, (size_t)(end - entry) - 1);
  }
  if (!only) return is_within(host, entry, len);
  size_t digits = (size_t)(entry + len - colon) - 1;
  if (strlen(host->port) != digits || strncmp(host->port, colon + 1, digits) != 0)
    return false;
  return matches_entry(&any_port, entry, (size_t)(colon - entry));
}

bool route_no_proxy(const char *list, const char *name, const char *port) {
  Host host = {name, strlen(name), port};
  if (*name == '[') host.name++, host.len -= 2;
  if (host.len && host.name[host.len - 1] == '.') host.len--;
  while (list && *list) {
    list += strspn(list, ", \t");
    size_t len = strcspn(list, ", \t");
    if (len && matches_entry(&host, list, len)) return true;
    list += len;
  }
  return false;
}

/* --- the choice ------------------------------------------------------------------- */

static const char *first_set(const char *a, const char *b) {
  const char *value = getenv(a);
  if ((!value || !*value) && b) value = getenv(b);
  return value && *value ? value : NULL;
}

static bool is_excepted(const char *authority, const char *port) {
  const char *list = first_set("no_proxy", "NO_PROXY");
  if (!list) return false;
  size_t len = strlen(authority);
  const char *colon = strrchr(authority, ':');
  if (colon && strcmp(colon + 1, port) == 0) len = (size_t)(colon - authority);
  char *host = xstrndup(authority, len);
  bool excepted = route_no_proxy(list, host, port);
  free(host);
  return excepted;
}

static const char *of_environment(const NetUrl *url, bool secure) {
  const char *proxy =
      secure ? first_set("https_proxy", "HTTPS_PROXY") : first_set("http_proxy", NULL);
  if (!proxy) proxy = first_set("all_proxy", "ALL_PROXY");
  if (!proxy || is_excepted(url->authority, strrchr(url->origin, ':') + 1)) return NULL;
  return proxy;
}

static bool speaks_http(const char *proxy) {
  return strncasecmp(proxy, "http://", 7) == 0 || strncasecmp(proxy, "https://", 8) == 0;
}

void route_proxy(const Route *r, const NetUrl *url, RouteProxy *out) {
  bool secure = strncmp(url->url, "https:", 6) == 0;
  *out = (RouteProxy){0};
  if (url->unix_path) return;
  const char *proxy = r->proxy ? r->proxy : of_environment(url, secure);
  if (!proxy || !*proxy) return;
  out->url = strstr(proxy, "://") ? xstrdup(proxy) : xasprintf("http://%s", proxy);
  out->forward = !secure && speaks_http(out->url);
}

void route_proxy_free(RouteProxy *proxy) {
  free(proxy->url);
  *proxy = (RouteProxy){0};
}
