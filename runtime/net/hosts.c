#include "net/hosts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ---------------------------------------------------------------------- */

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static char lower_char(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* The characters of RFC 3986's reg-name. */
static bool is_name_char(char c) {
  return is_letter(c) || is_digit(c) || (c && strchr("-._~!$&'()*+,;=%", c));
}

static bool put_name(Authority *a, const char *text, size_t len) {
  if (len > 0 && text[len - 1] == '.') len--;
  if (len == 0 || len >= sizeof a->name || text[len - 1] == '.') return false;
  for (size_t i = 0; i < len; i++) {
    if (!is_name_char(text[i])) return false;
    a->name[i] = lower_char(text[i]);
  }
  a->name[len] = '\0';
  return true;
}

/* "[::1]", with its brackets; written in the one shortest form. */
static bool put_ipv6(Authority *a, const char *text, size_t len) {
  char inner[INET6_ADDRSTRLEN];
  struct in6_addr address;
  if (len < 2 || len - 2 >= sizeof inner) return false;
  memcpy(inner, text + 1, len - 2);
  inner[len - 2] = '\0';
  if (inet_pton(AF_INET6, inner, &address) != 1) return false;
  inet_ntop(AF_INET6, &address, inner, sizeof inner);
  snprintf(a->name, sizeof a->name, "[%s]", inner);
  return true;
}

/* ":8000", ":" or nothing. */
static bool read_port(const char *text, int *port) {
  *port = -1;
  if (*text == '\0') return true;
  if (*text++ != ':' || strlen(text) > 8) return false;
  if (*text == '\0') return true;
  if (text[strspn(text, "0123456789")] != '\0') return false;
  long value = strtol(text, NULL, 10);
  *port = (int)value;
  return value <= 65535;
}

bool authority_read(const char *text, Authority *a) {
  if (*text != '[') {
    size_t len = strcspn(text, ":");
    return put_name(a, text, len) && read_port(text + len, &a->port);
  }
  const char *end = strchr(text, ']');
  if (!end) return false;
  size_t len = (size_t)(end - text) + 1;
  return put_ipv6(a, text, len) && read_port(text + len, &a->port);
}

static int port_of_scheme(const char *scheme) {
  if (strcmp(scheme, "http") == 0 || strcmp(scheme, "ws") == 0) return 80;
  if (strcmp(scheme, "https") == 0 || strcmp(scheme, "wss") == 0) return 443;
  return -1;
}

static bool put_scheme(Origin *o, const char *text, size_t len) {
  if (len == 0 || len >= sizeof o->scheme || !is_letter(*text)) return false;
  for (size_t i = 0; i < len; i++) {
    if (!is_letter(text[i]) && !is_digit(text[i]) && !strchr("+-.", text[i]))
      return false;
    o->scheme[i] = lower_char(text[i]);
  }
  o->scheme[len] = '\0';
  return true;
}

bool origin_read(const char *text, Origin *o) {
  *o = (Origin){.at.port = -1};
  if (strcmp(text, "null") == 0) return true;
  const char *colon = strstr(text, "://");
  if (!colon || !put_scheme(o, text, (size_t)(colon - text))) return false;
  if (!authority_read(colon + 3, &o->at)) return false;
  if (o->at.port < 0) o->at.port = port_of_scheme(o->scheme);
  return true;
}

/* --- loopback --------------------------------------------------------------------- */

bool address_is_loopback(const char *address) {
  struct in_addr v4;
  struct in6_addr v6;
  if (inet_pton(AF_INET, address, &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  if (inet_pton(AF_INET6, address, &v6) != 1) return strcmp(address, "localhost") == 0;
  return IN6_IS_ADDR_LOOPBACK(&v6) ||
         (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

static bool ends_with(const char *text, const char *end) {
  size_t len = strlen(text), n = strlen(end);
  return len > n && strcmp(text + len - n, end) == 0;
}

bool authority_is_loopback(const Authority *a) {
  char inner[INET6_ADDRSTRLEN];
  if (ends_with(a->name, ".localhost")) return true; /* RFC 6761: nobody's but ours */
  if (a->name[0] != '[') return address_is_loopback(a->name);
  snprintf(inner, sizeof inner, "%.*s", (int)strlen(a->name) - 2, a->name + 1);
  return address_is_loopback(inner);
}

/* --- what is let in --------------------------------------------------------------- */

static bool name_fits(const char *entry, const char *name) {
  return entry[0] == '*' && entry[1] == '.' ? ends_with(name, entry + 1)
                                            : strcmp(entry, name) == 0;
}

/* A star stands for all, or for what is before the first dot. */
static bool star_valid(const char *name) {
  const char *star = strrchr(name, '*');
  return !star || (star == name && star[1] == '.' && star[2] != '\0');
}

bool host_entry_valid(const char *entry) {
  Authority a;
  return strcmp(entry, "*") == 0 || (authority_read(entry, &a) && star_valid(a.name));
}

bool origin_entry_valid(const char *entry) {
  Origin o;
  return strcmp(entry, "*") == 0 || (origin_read(entry, &o) && star_valid(o.at.name));
}

static bool host_fits(const char *entry, const Authority *host) {
  Authority want;
  if (strcmp(entry, "*") == 0) return true;
  if (!authority_read(entry, &want) || !name_fits(want.name, host->name)) return false;
  return want.port < 0 || want.port == (host->port < 0 ? 80 : host->port);
}

bool host_allowed(const char *const *hosts, const Authority *host, int port) {
  int given = host->port < 0 ? 80 : host->port;
  if (given == port && authority_is_loopback(host)) return true;
  for (; hosts && *hosts; hosts++)
    if (host_fits(*hosts, host)) return true;
  return false;
}

static bool origin_fits(const char *entry, const Origin *origin) {
  Origin want;
  if (strcmp(entry, "*") == 0) return true;
  return origin_read(entry, &want) && strcmp(want.scheme, origin->scheme) == 0 &&
         name_fits(want.at.name, origin->at.name) && want.at.port == origin->at.port;
}

/* A page of the name that the request is sent to. Behind a proxy that name has another
 * port than ours, and the page the scheme of the proxy. */
static bool is_same(const Origin *origin, const Authority *host) {
  if (strcmp(host->name, origin->at.name) != 0) return false;
  int port = host->port < 0 ? port_of_scheme(origin->scheme) : host->port;
  return port == origin->at.port;
}

bool origin_allowed(const char *const *origins, const Origin *origin,
                    const Authority *host, int port) {
  bool web = strcmp(origin->scheme, "http") == 0 || strcmp(origin->scheme, "https") == 0;
  if (web && origin->at.port == port && authority_is_loopback(&origin->at)) return true;
  if (web && host && is_same(origin, host)) return true;
  for (; origins && *origins; origins++)
    if (origin_fits(*origins, origin)) return true;
  return false;
}

/* --- lists ------------------------------------------------------------------------ */

static size_t count_names(const char *const *names) {
  size_t n = 0;
  while (names && names[n]) n++;
  return n;
}

const char *const *names_joined(const char *const *a, const char *const *b) {
  if (!a && !b) return NULL;
  size_t first = count_names(a), n = first + count_names(b);
  const char **joined = xcalloc(n + 1, sizeof *joined);
  for (size_t i = 0; i < n; i++) joined[i] = xstrdup(i < first ? a[i] : b[i - first]);
  return joined;
}

const char *const *names_copy(const char *const *names) {
  return names_joined(names, NULL);
}

void names_free(const char *const *names) {
  if (!names) return;
  for (size_t i = 0; names[i]; i++) free((char *)names[i]);
  free((void *)names);
}

bool names_same(const char *const *a, const char *const *b) {
  if (!a || !b) return a == b;
  size_t i = 0;
  while (a[i] && b[i] && strcmp(a[i], b[i]) == 0) i++;
  return a[i] == b[i];
}
