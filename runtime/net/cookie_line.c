/* See cookie_line.h. */
#include "net/cookie_line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/httpdate.h"

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static CookiePart trim_part(CookiePart p) {
  while (p.len && is_blank(*p.at)) p.at++, p.len--;
  while (p.len && is_blank(p.at[p.len - 1])) p.len--;
  return p;
}

/* Takes what stands before the next of that character. */
static CookiePart cut_part(CookiePart *rest, char at) {
  const char *stop = memchr(rest->at, at, rest->len);
  CookiePart part = {rest->at, stop ? (size_t)(stop - rest->at) : rest->len};
  size_t used = part.len + (stop != NULL);
  rest->at += used;
  rest->len -= used;
  return trim_part(part);
}

static bool is_named(CookiePart part, const char *name) {
  return part.len == strlen(name) && strncasecmp(part.at, name, part.len) == 0;
}

/* The seconds of a Max-Age; NAN for what is none, which counts for nothing. */
static double read_age(const char *text) {
  bool minus = *text == '-';
  size_t digits = strspn(text + minus, "0123456789");
  return digits && !text[minus + digits] ? strtod(text, NULL) : NAN;
}

/* Of several the last one that is one counts. */
static void read_time(CookiePart value, double (*read)(const char *), double *time) {
  char text[64] = "";
  memcpy(text, value.at, value.len < 63 ? value.len : 63);
  double seconds = read(text);
  if (!isnan(seconds)) *time = seconds;
}

typedef struct Times {
  double age, until;
} Times;

static void read_attribute(CookiePart name, CookiePart value, CookieLine *out,
                           Times *times) {
  if (value.len > COOKIE_MAX_ATTRIBUTE_LEN) return;
  if (is_named(name, "Max-Age")) {
    read_time(value, read_age, &times->age);
  } else if (is_named(name, "Expires")) {
    read_time(value, http_cookie_date, &times->until);
  } else if (is_named(name, "Domain")) {
    out->has_domain = true;
    if (value.len == 0) return; /* 5.2.3: such an attribute is not there */
    bool dot = *value.at == '.';
    out->domain = (CookiePart){value.at + dot, value.len - dot};
  } else if (is_named(name, "Path")) {
    bool counts = value.len > 0 && *value.at == '/';
    out->path = counts ? value : (CookiePart){value.at, 0};
  } else if (is_named(name, "Secure")) {
    out->secure = true;
  } else if (is_named(name, "HttpOnly")) {
    out->http_only = true;
  }
}

/* Max-Age counts before Expires (5.3). */
static void read_attributes(CookiePart rest, double now, CookieLine *out) {
  Times times = {NAN, INFINITY};
  while (rest.len) {
    CookiePart value = cut_part(&rest, ';');
    CookiePart name = cut_part(&value, '=');
    read_attribute(name, trim_part(value), out, &times);
  }
  out->until = isnan(times.age) ? times.until : times.age > 0 ? now + times.age : 0;
  if (isinf(times.until) && isnan(times.age)) return; /* it ends with the process */
  out->until = fmin(out->until, now + COOKIE_MAX_AGE);
}

static bool is_clean(CookiePart p) {
  for (size_t i = 0; i < p.len; i++)
    if ((unsigned char)p.at[i] < ' ' || p.at[i] == 127) return false;
  return true;
}

bool cookie_line_read(const char *text, size_t len, double now, CookieLine *out) {
  CookiePart rest = {text, len};
  CookiePart pair = cut_part(&rest, ';');
  const char *equals = memchr(pair.at, '=', pair.len);
  *out = (CookieLine){.until = INFINITY};
  if (!equals || pair.len > COOKIE_MAX_LEN) return false;
  out->value = pair;
  out->name = cut_part(&out->value, '=');
  out->value = trim_part(out->value);
  if (out->name.len == 0 || !is_clean(out->name) || !is_clean(out->value)) return false;
  read_attributes(rest, now, out);
  return is_clean(out->path);
}
