/* See cookies.h. Numbers are sections of RFC 6265.
 *
 * Always: no two cookies have the same name, domain and path; each is within the bounds
 * of cookies.h, and `bytes` is the sum of theirs. */
#include "net/cookies.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/public_suffix.h"

typedef struct Cookie {
  char *pair; /* name=value */
  size_t name_len;
  char *domain, *path; /* the domain in lower case */
  double until;        /* wall clock; INFINITY: with the process */
  uint64_t born, used; /* in the jar's order */
  bool host_only, secure, http_only;
} Cookie;

struct Cookies {
  Cookie *list; /* made with the first */
  size_t count, room, bytes;
  uint64_t order;
  PublicSuffixes suffixes;
  bool touched; /* one that outlives the process came or went */
  void (*changed)(void *ctx);
  void *ctx;
};

/* Where an answer came from, or a request goes. */
typedef struct Site {
  char *host;       /* owned */
  const char *path; /* borrowed */
  bool secure;      /* nobody on the way can read it */
} Site;

/* --- the jar ---------------------------------------------------------------------- */

Cookies *cookies_new(void) {
  Cookies *c = xcalloc(1, sizeof *c);
  c->suffixes = public_suffixes_find();
  return c;
}

static size_t size_of(const Cookie *c) {
  return sizeof *c + strlen(c->pair) + strlen(c->domain) + strlen(c->path) + 3;
}

static void free_cookie(Cookie *c) {
  free(c->pair);
  free(c->domain);
  free(c->path);
}

void cookies_clear(Cookies *c) {
  for (size_t i = 0; i < c->count; i++) free_cookie(&c->list[i]);
  c->count = c->bytes = 0;
}

void cookies_free(Cookies *c) {
  if (!c) return;
  cookies_clear(c);
  free(c->list);
  free(c);
}

void cookies_on_change(Cookies *c, void (*changed)(void *ctx), void *ctx) {
  c->changed = changed;
  c->ctx = ctx;
}

size_t cookies_count(const Cookies *c) {
  return c->count;
}

size_t cookies_bytes(const Cookies *c) {
  return c->bytes;
}

static void drop_cookie(Cookies *c, size_t i) {
  c->bytes -= size_of(&c->list[i]);
  if (!isinf(c->list[i].until)) c->touched = true;
  free_cookie(&c->list[i]);
  c->list[i] = c->list[--c->count];
}

static void drop_expired(Cookies *c, double now) {
  for (size_t i = 0; i < c->count; i++)
    if (c->list[i].until <= now) drop_cookie(c, i--);
}

/* The one that was not sent for longest, of a domain or (NULL) of all; count: none. */
static size_t find_stale(const Cookies *c, const char *domain, size_t *of_domain) {
  size_t stale = c->count;
  *of_domain = 0;
  for (size_t i = 0; i < c->count; i++) {
    if (domain && strcmp(c->list[i].domain, domain) != 0) continue;
    ++*of_domain;
    if (stale == c->count || c->list[i].used < c->list[stale].used) stale = i;
  }
  return stale;
}

static void make_room(Cookies *c, const Cookie *next) {
  size_t number, stale = find_stale(c, next->domain, &number);
  if (number >= COOKIES_PER_DOMAIN) drop_cookie(c, stale);
  while (c->count &&
         (c->count >= COOKIES_MAX || c->bytes + size_of(next) > COOKIES_MAX_BYTES))
    drop_cookie(c, find_stale(c, NULL, &number));
}

/* Takes the cookie. */
static void add_cookie(Cookies *c, Cookie cookie, double now) {
  drop_expired(c, now);
  make_room(c, &cookie);
  if (c->count == c->room) {
    c->room = c->room ? c->room * 2 : 4;
    c->list = xrealloc(c->list, c->room * sizeof *c->list);
  }
  c->bytes += size_of(&cookie);
  if (!isinf(cookie.until)) c->touched = true;
  c->list[c->count++] = cookie;
}

/* --- where they belong ------------------------------------------------------------ */

/* "https://host:port" to the host; a socket in the file system is this machine. */
static Site site_of(const NetUrl *url) {
  const char *host = strstr(url->origin, "://");
  if (url->unix_path || !host) return (Site){xstrdup("localhost"), url->path, true};
  const char *port = strrchr(host + 3, ':');
  return (Site){xstrndup(host + 3, (size_t)(port - host - 3)), url->path,
                strncmp(url->origin, "https:", 6) == 0};
}

static bool is_address(const char *host) {
  struct in_addr four;
  return *host == '[' || inet_pton(AF_INET, host, &four) == 1;
}

/* 5.1.3 */
static bool domain_matches(const char *host, const char *domain) {
  size_t len = strlen(host), tail = strlen(domain);
  if (strcmp(host, domain) == 0) return true;
  return len > tail && strcmp(host + len - tail, domain) == 0 &&
         host[len - tail - 1] == '.' && !is_address(host);
}

/* Returns new (5.1.4); the path of a request begins with a slash. */
static char *default_path(const char *path) {
  const char *last = strrchr(path, '/');
  return last && last != path ? xstrndup(path, (size_t)(last - path)) : xstrdup("/");
}

static bool path_matches(const char *asked, const char *path) {
  size_t len = strlen(path);
  if (strncmp(asked, path, len) != 0) return false;
  return !asked[len] || asked[len] == '/' || (len && path[len - 1] == '/');
}

/* --- Set-Cookie ------------------------------------------------------------------- */

/* Sets the domain, and says whether the cookie may be kept (5.3, 4 to 6). */
static bool choose_domain(const Cookies *c, const Site *site, const CookieLine *line,
                          Cookie *cookie) {
  char *domain = xstrndup(line->domain.at ? line->domain.at : "", line->domain.len);
  for (char *at = domain; *at; at++) *at = (char)tolower((unsigned char)*at);
  bool same = strcmp(domain, site->host) == 0;
  bool suffix = *domain && !is_address(domain) && public_suffix(&c->suffixes, domain);
  bool belongs = !*domain || (suffix ? same : domain_matches(site->host, domain));
  cookie->host_only = !*domain || suffix;
  cookie->domain = *domain ? domain : xstrdup(site->host);
  if (!*domain) free(domain);
  return belongs;
}

static bool begins_with(CookiePart name, const char *prefix) {
  size_t len = strlen(prefix);
  return name.len >= len && strncasecmp(name.at, prefix, len) == 0;
}

/* What the prefix of its name promises (RFC 6265bis, 4.1.3). */
static bool keeps_promise(const CookieLine *line) {
  if (begins_with(line->name, "__Host-"))
    return line->secure && !line->has_domain && line->path.len == 1;
  return !begins_with(line->name, "__Secure-") || line->secure;
}

static bool has_name(const Cookie *c, CookiePart name) {
  return c->name_len == name.len && memcmp(c->pair, name.at, name.len) == 0;
}

/* A page that anybody on the way can write must not replace, or stand in front of, a
 * cookie that is sent in secret alone (RFC 6265bis, 5.7). */
static bool hides_secure(const Cookies *c, const Cookie *next, CookiePart name) {
  for (size_t i = 0; i < c->count; i++) {
    const Cookie *old = &c->list[i];
    if (old->secure && has_name(old, name) &&
        (domain_matches(old->domain, next->domain) ||
         domain_matches(next->domain, old->domain)) &&
        path_matches(next->path, old->path))
      return true;
  }
  return false;
}

/* Drops the one with the same name, domain and path; its place in the order is kept. */
static void take_place(Cookies *c, Cookie *next, CookiePart name) {
  next->born = next->used = ++c->order;
  for (size_t i = 0; i < c->count; i++) {
    const Cookie *old = &c->list[i];
    if (!has_name(old, name) || strcmp(old->domain, next->domain) != 0 ||
        strcmp(old->path, next->path) != 0)
      continue;
    next->born = old->born;
    drop_cookie(c, i--);
  }
}

static void take_line(Cookies *c, const Site *site, CookieLine *line, double now) {
  Cookie next = {.name_len = line->name.len,
                 .until = line->until,
                 .secure = line->secure,
                 .http_only = line->http_only};
  bool kept = choose_domain(c, site, line, &next);
  next.path =
      line->path.len ? xstrndup(line->path.at, line->path.len) : default_path(site->path);
  kept = kept && keeps_promise(line) && (site->secure || !line->secure) &&
         (site->secure || !hides_secure(c, &next, line->name));
  next.pair = xasprintf("%.*s=%.*s", (int)line->name.len, line->name.at,
                        (int)line->value.len, line->value.at);
  if (kept) take_place(c, &next, line->name);
  if (kept && next.until > now) add_cookie(c, next, now);
  else free_cookie(&next);
}

void cookies_take(Cookies *c, const NetUrl *from, const char *lines, size_t len,
                  double now) {
  static const char header[] = "Set-Cookie:";
  const size_t skip = sizeof header - 1;
  Site site = site_of(from);
  CookieLine line;
  for (const char *at = lines, *end = lines + len; at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    size_t all = (size_t)(stop - at);
    if (all > skip && strncasecmp(at, header, skip) == 0 &&
        cookie_line_read(at + skip, all - skip, now, &line))
      take_line(c, &site, &line, now);
    at = stop + 1;
  }
  free(site.host);
  if (c->touched && c->changed) c->changed(c->ctx);
  c->touched = false;
}

/* --- as they are kept ------------------------------------------------------------- */

static int compare_age(const void *a, const void *b) {
  const Cookie *x = a, *y = b;
  return x->born < y->born ? -1 : x->born > y->born;
}

void cookies_sort(Cookies *c, double now) {
  drop_expired(c, now);
  if (c->count) qsort(c->list, c->count, sizeof *c->list, compare_age);
}

CookieView cookies_at(const Cookies *c, size_t i) {
  const Cookie *one = &c->list[i];
  return (CookieView){one->pair,  one->name_len,  one->domain, one->path,
                      one->until, one->host_only, one->secure, one->http_only};
}

static bool is_there(const Cookies *c, const CookieView *view) {
  for (size_t i = 0; i < c->count; i++) {
    const Cookie *old = &c->list[i];
    if (has_name(old, (CookiePart){view->pair, view->name_len}) &&
        strcmp(old->domain, view->domain) == 0 && strcmp(old->path, view->path) == 0)
      return true;
  }
  return false;
}

bool cookies_put_back(Cookies *c, const CookieView *view, double now) {
  size_t len = strlen(view->pair);
  if (len > COOKIE_MAX_LEN || view->name_len == 0 || view->name_len >= len ||
      view->pair[view->name_len] != '=' || !*view->domain || *view->path != '/' ||
      view->until > now + COOKIE_MAX_AGE)
    return false;
  if (view->until <= now || is_there(c, view)) return true;
  Cookie next = {.pair = xstrdup(view->pair),
                 .name_len = view->name_len,
                 .domain = xstrdup(view->domain),
                 .path = xstrdup(view->path),
                 .until = view->until,
                 .host_only = view->host_only,
                 .secure = view->secure,
                 .http_only = view->http_only};
  next.born = next.used = ++c->order;
  add_cookie(c, next, now);
  c->touched = false;
  return true;
}

/* --- Cookie ----------------------------------------------------------------------- */

/* 5.4, 1 */
static bool is_for(const Cookie *c, const Site *site) {
  bool host = c->host_only ? strcmp(site->host, c->domain) == 0
                           : domain_matches(site->host, c->domain);
  return host && path_matches(site->path, c->path) && (site->secure || !c->secure);
}

/* 5.4, 2 */
static int compare_order(const void *a, const void *b) {
  const Cookie *x = *(Cookie *const *)a, *y = *(Cookie *const *)b;
  size_t one = strlen(x->path), other = strlen(y->path);
  if (one != other) return one > other ? -1 : 1;
  return x->born < y->born ? -1 : x->born > y->born;
}

/* Whether a list of pairs has one of that name. */
static bool list_names(const char *pairs, const Cookie *c) {
  while (pairs && *pairs) {
    pairs += strspn(pairs, " \t");
    size_t len = strcspn(pairs, ";");
    if (len > c->name_len && pairs[c->name_len] == '=' &&
        memcmp(pairs, c->pair, c->name_len) == 0)
      return true;
    pairs += len + (pairs[len] == ';');
  }
  return false;
}

/* Returns new: those for that site, in their order. */
static Cookie **select_cookies(Cookies *c, const Site *site, const char *given,
                               size_t *count) {
  Cookie **chosen = xcalloc(c->count + 1, sizeof *chosen);
  *count = 0;
  for (size_t i = 0; i < c->count; i++)
    if (is_for(&c->list[i], site) && !list_names(given, &c->list[i]))
      chosen[(*count)++] = &c->list[i];
  qsort(chosen, *count, sizeof(Cookie *), compare_order);
  return chosen;
}

static void put_selected(Cookies *c, const Site *site, const char *given, Buffer *out,
                         bool *any) {
  size_t count;
  Cookie **chosen = select_cookies(c, site, given, &count);
  for (size_t i = 0; i < count; i++, *any = true) {
    buffer_printf(out, "%s%s", *any ? "; " : "Cookie: ", chosen[i]->pair);
    chosen[i]->used = ++c->order;
  }
  free(chosen);
}

bool cookies_put(Cookies *c, const NetUrl *to, const char *given, Buffer *out,
                 double now) {
  bool any = given && *given;
  if (any) buffer_printf(out, "Cookie: %s", given);
  if (!c) return any;
  Site site = site_of(to);
  drop_expired(c, now);
  put_selected(c, &site, given, out, &any);
  free(site.host);
  return any;
}
