/* The pass over JSON text before cJSON. Speed matters here: each event goes through it.
 * Strings are looked at eight bytes at a time.
 *
 * Every rewriting keeps the length, so that offsets in errors hold: a lone surrogate's
 * escape becomes \ufffd, a \u0000 becomes six bytes 0xFF (json_string turns them back),
 * and a number too long for cJSON's 63 characters becomes a short one and spaces. */
#include "core/jsonscan.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/utf8.h"

enum { CJSON_NUMBER_MAX = 62 };

static bool fail(JsonScan *s, const char *at, const char *what) {
  s->at = (size_t)(at - s->text);
  s->what = what;
  return false;
}

static char *rewrite(JsonScan *s, const char *at) {
  if (s->copy->len == 0) buffer_put(s->copy, s->text, s->len);
  return s->copy->data + (at - s->text);
}

/* --- strings --------------------------------------------------------------------------
 */

static int hex4(const char *p, const char *end) {
  if (end - p < 4) return -1;
  int value = 0;
  for (int i = 0; i < 4; i++) {
    int c = p[i], lower = c | 0x20;
    if (c >= '0' && c <= '9') value = value * 16 + c - '0';
    else if (lower >= 'a' && lower <= 'f') value = value * 16 + lower - 'a' + 10;
    else return -1;
  }
  return value;
}

static bool low_surrogate_at(const char *p, const char *end) {
  if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return false;
  int value = hex4(p + 2, end);
  return value >= 0xDC00 && value <= 0xDFFF;
}

/* `p` stands at the backslash; returns what follows, or NULL. */
static const char *scan_unicode(JsonScan *s, const char *p, const char *end) {
  int value = hex4(p + 2, end);
  if (value < 0) return fail(s, p, "\\u without four hexadecimal digits"), NULL;
  if (value == 0) {
    memset(rewrite(s, p), JSON_NUL, JSON_NUL_WIDTH);
    s->nuls = true;
  } else if (value >= 0xD800 && value <= 0xDFFF) {
    if (value < 0xDC00 && low_surrogate_at(p + 6, end)) return p + 12;
    memcpy(rewrite(s, p), "\\ufffd", 6);
  }
  return p + 6;
}

static const char *scan_escape(JsonScan *s, const char *p, const char *end) {
  if (end - p < 2) return fail(s, p, "a string without an end"), NULL;
  switch (p[1]) {
  case '"':
  case '\\':
  case '/':
  case 'b':
  case 'f':
  case 'n':
  case 'r':
  case 't':
    return p + 2;
  case 'u':
    return scan_unicode(s, p, end);
  default:
    return fail(s, p, "no such escape"), NULL;
  }
}

/* `p` stands behind the opening quote; returns what follows the closing one, or NULL. */
static const char *scan_string(JsonScan *s, const char *p, const char *end) {
  const char *start = p;
  bool high = false;
  for (;;) {
    p += json_plain_run(p, (size_t)(end - p), &high);
    if (p == end) return fail(s, start - 1, "a string without an end"), NULL;
    if (*p == '"') break;
    if (*p != '\\') return fail(s, p, "a raw control character in a string"), NULL;
    if (!(p = scan_escape(s, p, end))) return NULL;
  }
  if (high && !utf8_valid(start, (size_t)(p - start)))
    return fail(s, start - 1, "a string that is not UTF-8"), NULL;
  return p + 1;
}

/* --- numbers --------------------------------------------------------------------------
 */

static inline const char *digits(const char *p, const char *end) {
  while (p < end && *p >= '0' && *p <= '9') p++;
  return p;
}

/* int [frac] [exp], or NULL. */
static const char *number_end(const char *p, const char *end) {
  if (*p == '-') p++;
  const char *q = digits(p, end);
  if (q == p || (*p == '0' && q - p > 1)) return NULL;
  if (q < end && *q == '.') {
    p = q + 1;
    if ((q = digits(p, end)) == p) return NULL;
  }
  if (q < end && (*q | 0x20) == 'e') {
    p = q + 1;
    if (p < end && (*p == '+' || *p == '-')) p++;
    if ((q = digits(p, end)) == p) return NULL;
  }
  return q;
}

/* strtod wants a NUL behind the number and the locale's decimal point in it. */
static double long_number(const char *p, size_t len) {
  char *text = xstrndup(p, len);
  double value = json_strtod(text);
  free(text);
  return value;
}

static void shorten(JsonScan *s, const char *p, size_t len) {
  double value = long_number(p, len);
  Buffer number = {0};
  if (json_put_number(&number, value) != 0)
    buffer_puts(&number, value < 0 ? "-1e999" : "1e999");
  char *to = rewrite(s, p);
  memset(to, ' ', len);
  memcpy(to, number.data, number.len);
  buffer_free(&number);
}

static const char *scan_number(JsonScan *s, const char *p, const char *end) {
  const char *q = number_end(p, end);
  if (!q) return fail(s, p, "not a number as JSON writes it"), NULL;
  if (q - p > CJSON_NUMBER_MAX) shorten(s, p, (size_t)(q - p));
  return q;
}

/* --------------------------------------------------------------------------------------
 */

bool json_scan(JsonScan *s) {
  const char *p = s->text, *end = p + s->len;
  int depth = 0;
  while (p < end) {
    switch (*p) {
    case '"':
      if (!(p = scan_string(s, p + 1, end))) return false;
      break;
    case '-':
    case '0' ... '9':
      if (!(p = scan_number(s, p, end))) return false;
      break;
    case '{':
    case '[':
      if (++depth > JSON_MAX_DEPTH) return fail(s, p, "nested too deeply");
      p++;
      break;
    case '}':
    case ']':
      depth--; /* fall through */
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case ',':
    case ':':
    case 'a' ... 'z':
      p++;
      break; /* true, false, null: cJSON looks at them */
    default:
      return fail(s, p, "an unexpected character");
    }
  }
  s->open = depth;
  return true;
}
