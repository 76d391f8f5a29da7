/* Cookies: see cookies.h (RFC 6265, the client's side of name, value, Max-Age, Expires).
 */
#include "net/cookies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/httpdate.h"

typedef struct Cookie {
  char *pair; /* name=value */
  size_t name_len;
  double until; /* wall clock; INFINITY: with the process */
} Cookie;

struct Cookies {
  Cookie *list; /* made with the first */
  size_t count;
};

Cookies *cookies_new(void) {
  return xcalloc(1, sizeof(Cookies));
}

void cookies_free(Cookies *c) {
  if (!c) return;
  for (size_t i = 0; i < c->count; i++) free(c->list[i].pair);
  free(c->list);
  free(c);
}

static void drop_cookie(Cookies *c, size_t i) {
  free(c->list[i].pair);
  c->list[i] = c->list[--c->count];
}

static void drop_name(Cookies *c, const char *name, size_t len) {
  for (size_t i = 0; i < c->count; i++)
    if (c->list[i].name_len == len && memcmp(c->list[i].pair, name, len) == 0)
      drop_cookie(c, i--);
}

/* --- Set-Cookie ------------------------------------------------------------------- */

typedef struct Part {
  const char *at;
  size_t len;
} Part;

static Part trim_part(Part p) {
  while (p.len && strchr(" \t\r", *p.at)) p.at++, p.len--;
  while (p.len && strchr(" \t\r", p.at[p.len - 1])) p.len--;
  return p;
}

/* Takes what stands before the next ';'. */
static Part next_part(Part *rest) {
  const char *stop = memchr(rest->at, ';', rest->len);
  Part part = {rest->at, stop ? (size_t)(stop - rest->at) : rest->len};
  size_t used = part.len + (stop != NULL);
  rest->at += used;
  rest->len -= used;
  return trim_part(part);
}

static bool is_named(Part part, const char *name, Part *value) {
  size_t len = strlen(name);
  if (part.len <= len || strncasecmp(part.at, name, len) != 0 || part.at[len] != '=')
    return false;
  *value = trim_part((Part){part.at + len + 1, part.len - len - 1});
  return true;
}

/* The seconds of a Max-Age; NAN for what is none, which counts for nothing. */
static double age_of(const char *text) {
  bool minus = *text == '-';
  size_t digits = strspn(text + minus, "0123456789");
  return digits && !text[minus + digits] ? strtod(text, NULL) : NAN;
}

/* Max-Age counts before Expires (RFC 6265, 5.3); of several the last. */
static double find_expiry(Part rest, double now) {
  double until = INFINITY, age = NAN;
  Part value;
  while (rest.len) {
    Part part = next_part(&rest);
    bool is_age = is_named(part, "Max-Age", &value);
    char text[64] = "";
    if (!is_age && !is_named(part, "Expires", &value)) continue;
    memcpy(text, value.at, value.len < 63 ? value.len : 63);
    double read = is_age ? age_of(text) : http_cookie_date(text);
    if (!isnan(read)) *(is_age ? &age : &until) = read;
  }
  return isnan(age) ? until : age > 0 ? now + age : 0;
}

static bool is_clean(Part p) {
  for (size_t i = 0; i < p.len; i++)
    if ((unsigned char)p.at[i] < ' ' || p.at[i] == 127) return false;
  return true;
}

static void take_one(Cookies *c, Part line, double now) {
  Part pair = next_part(&line);
  const char *equals = memchr(pair.at, '=', pair.len);
  if (!equals || equals == pair.at || pair.len > COOKIE_MAX_LEN || !is_clean(pair))
    return;
  Part name = trim_part((Part){pair.at, (size_t)(equals - pair.at)});
  Part value = trim_part((Part){equals + 1, pair.len - (size_t)(equals - pair.at) - 1});
  double until = find_expiry(line, now);
  drop_name(c, name.at, name.len);
  if (until <= now || c->count == COOKIES_MAX) return;
  c->list = xrealloc(c->list, (c->count + 1) * sizeof *c->list);
  c->list[c->count++] =
      (Cookie){xasprintf("%.*s=%.*s", (int)name.len, name.at, (int)value.len, value.at),
               name.len, until};
}

void cookies_take(Cookies *c, const char *lines, size_t len, double now) {
  Part value;
  for (const char *at = lines, *end = lines + len; at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    Part line = {at, (size_t)(stop - at)};
    if (line.len > 11 && strncasecmp(at, "Set-Cookie:", 11) == 0) {
      value = trim_part((Part){at + 11, line.len - 11});
      take_one(c, value, now);
    }
    at = stop + 1;
  }
}

/* Whether a list of pairs has one of that name. */
static bool has_name(const char *pairs, const char *name, size_t len) {
  Part rest = {pairs, strlen(pairs)};
  while (rest.len) {
    Part pair = next_part(&rest);
    if (pair.len > len && pair.at[len] == '=' && memcmp(pair.at, name, len) == 0)
      return true;
  }
  return false;
}

bool cookies_merge(Cookies *c, const char *given, Buffer *out, double now) {
  bool any = given && *given;
  if (any) buffer_printf(out, "Cookie: %s", given);
  for (size_t i = 0; c && i < c->count; i++)
    if (c->list[i].until <= now) drop_cookie(c, i--);
  for (size_t i = 0; c && i < c->count; i++) {
    if (given && has_name(given, c->list[i].pair, c->list[i].name_len)) continue;
    buffer_printf(out, "%s%s", any ? "; " : "Cookie: ", c->list[i].pair);
    any = true;
  }
  return any;
}

bool cookies_put(Cookies *c, Buffer *out, double now) {
  return cookies_merge(c, NULL, out, now);
}
