/* The parts of the grammar that are too rare to be inlined. Numbers are computed while
 * their digits are checked. */
#include "core/jsonscan.h"

#include <float.h>
#include <locale.h>
#include <stdlib.h>

#include "core/utf8.h"

enum { EXCERPT = 24 };

/* --- failing ---------------------------------------------------------------------- */

static const char too_early[] = "the text ends too early";

const char *json_fail(JsonScan *s, const char *at, const char *what) {
  s->at = at;
  s->what = at == s->end ? too_early : what;
  return NULL;
}

/* The text around the place; bytes that are not printable ASCII become "?". */
static void put_excerpt(char *out, const char *text, size_t len, size_t at) {
  size_t from = at > EXCERPT / 2 ? at - EXCERPT / 2 : 0;
  size_t end = len - from < EXCERPT ? len : from + EXCERPT;
  while (from < end) {
    unsigned char c = (unsigned char)text[from++];
    *out++ = c >= 0x20 && c < 0x7F ? (char)c : '?';
  }
  *out = '\0';
}

/* A byte order mark is no part of the text. */
static size_t mark_width(const char *text, size_t len) {
  return len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

void json_scan_error(const JsonScan *s, const char *text, size_t len, Error *err) {
  char near[EXCERPT + 1];
  size_t mark = mark_width(text, len);
  text += mark, len -= mark;
  size_t at = (size_t)(s->at - text);
  put_excerpt(near, text, len, at);
  if (len == 0) error_set(err, ERR_DECODE, "not JSON: no text");
  else
    error_set(err, ERR_DECODE, "not JSON at byte %zu: %s, near `%s`", at, s->what, near);
}

const char *json_scan_start(JsonScan *s, const char *text, size_t len) {
  *s = (JsonScan){.end = text + len, .levels = JSON_MAX_DEPTH};
  return json_space(text + mark_width(text, len), s->end);
}

/* --- strings ---------------------------------------------------------------------- */

static int read_hex(const char *p, const char *end) {
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

static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";

/* `p` stands at the backslash. */
static const char *skip_escape(JsonScan *s, const char *p) {
  if (s->end - p < 2) return json_fail(s, s->end, too_early);
  if (p[1] == 'u') {
    if (read_hex(p + 2, s->end) >= 0) return p + 6;
    return json_fail(s, p, "\\u without four hexadecimal digits");
  }
  return p[1] && strchr(escapes, p[1]) ? p + 2 : json_fail(s, p, "no such escape");
}

const char *json_scan_rest(JsonScan *s, const char *p, JsonSlice *out) {
  bool high =
      false; /* whether a byte is not ASCII; the bytes before p are checked below */
  const char *quote = out->text - 1;
  while (p < s->end && *p != '"') {
    if (*p == '\\') {
      out->escaped = true;
      if (!(p = skip_escape(s, p))) return NULL;
    } else if ((uint8_t)*p < 0x20) {
      return json_fail(s, p, "a raw control character in a string");
    } else {
      p += json_plain_run(p, (size_t)(s->end - p), &high);
    }
  }
  if (p == s->end) return json_fail(s, quote, "a string without an end");
  out->len = (size_t)(p - out->text);
  if (!utf8_valid(out->text, out->len))
    return json_fail(s, quote, "a string that is not UTF-8");
  return p + 1;
}

static char *put_character(char *to, int c) {
  if (c < 0x80) {
    *to++ = (char)c;
    return to;
  }
  if (c < 0x800) {
    *to++ = (char)(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) *to++ = (char)(0xE0 | c >> 12);
    else *to++ = (char)(0xF0 | c >> 18), *to++ = (char)(0x80 | (c >> 12 & 0x3F));
    *to++ = (char)(0x80 | (c >> 6 & 0x3F));
  }
  *to++ = (char)(0x80 | (c & 0x3F));
  return to;
}

/* The low surrogate whose escape stands at p, or -1. */
static int low_surrogate(const char *p, const char *end) {
  if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return -1;
  int value = read_hex(p + 2, end);
  return value >= 0xDC00 && value <= 0xDFFF ? value : -1;
}

/* `p` stands at the backslash of \uXXXX; half a pair of surrogates is U+FFFD. */
static const char *take_unicode(const char *p, const char *end, char **to) {
  int c = read_hex(p + 2, end);
  p += 6;
  if (c >= 0xD800 && c <= 0xDFFF) {
    int low = c < 0xDC00 ? low_surrogate(p, end) : -1;
    c = low < 0 ? 0xFFFD : 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    if (low >= 0) p += 6;
  }
  *to = put_character(*to, c);
  return p;
}

size_t json_unescape(char *to, const JsonSlice *slice) {
  const char *p = slice->text, *end = p + slice->len;
  char *start = to;
  while (p < end) {
    const char *next = memchr(p, '\\', (size_t)(end - p));
    size_t plain = (size_t)((next ? next : end) - p);
    memcpy(to, p, plain);
    to += plain, p += plain;
    if (p == end) break;
    if (p[1] == 'u') p = take_unicode(p, end, &to);
    else *to++ = meanings[strchr(escapes, p[1]) - escapes], p += 2;
  }
  return (size_t)(to - start);
}

/* --- numbers and words ------------------------------------------------------------ */

double json_strtod(const char *text) {
  const char *dot = strchr(text, '.'), *point = localeconv()->decimal_point;
  if (!dot || strcmp(point, ".") == 0) return strtod(text, NULL);
  char *local = xasprintf("%.*s%s%s", (int)(dot - text), text, point, dot + 1);
  double value = strtod(local, NULL);
  free(local);
  return value;
}

/* strtod needs a NUL behind the number and the locale's decimal point. */
static double any_number(const char *from, size_t len) {
  char few[64], *text = len < sizeof few ? few : xmalloc(len + 1);
  memcpy(text, from, len);
  text[len] = '\0';
  double value = json_strtod(text);
  if (text != few) free(text);
  return value;
}

/* When mantissa and power of ten are exact doubles, one operation rounds correctly. */
static bool exact_number(uint64_t mantissa, long exponent, double *value) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (FLT_EVAL_METHOD != 0 || mantissa > 1ull << 53) return false;
  if (exponent < -22 || exponent > 22) return false;
  if (exponent < 0) *value = (double)mantissa / powers[-exponent];
  else *value = (double)mantissa * powers[exponent];
  return true;
}

/* More than 19 digits do not fit *value: the caller counts them. */
static inline const char *read_digits(const char *p, const char *end, uint64_t *value) {
  uint64_t n = *value;
  for (; p < end && (uint8_t)(*p - '0') < 10; p++) n = n * 10 + (uint8_t)(*p - '0');
  *value = n;
  return p;
}

/* `p` stands behind the e. *exponent is of any size beyond 22 if there are many digits.
 */
static const char *read_exponent(const char *p, const char *end, long *exponent) {
  bool minus = p < end && *p == '-';
  if (p < end && (*p == '+' || *p == '-')) p++;
  uint64_t n = 0;
  const char *q = read_digits(p, end, &n);
  if (q == p) return NULL;
  if (q - p > 5 || n > 99999) n = 99999;
  *exponent += minus ? -(long)n : (long)n;
  return q;
}

/* An integer that no double holds, and that fits. */
static bool is_long(const char *first, const char *end, uint64_t mantissa, bool minus) {
  if (end - first > 19 || mantissa <= 1ull << 53) return false;
  for (const char *p = first; p < end; p++)
    if (*p < '0' || *p > '9') return false;
  return mantissa <= (uint64_t)INT64_MAX + minus;
}

const char *json_scan_number(JsonScan *s, const char *start, bool exact,
                             JsonNumber *out) {
  static const char wrong[] = "not a number as JSON writes it";
  const char *end = s->end, *first = start + (*start == '-');
  uint64_t mantissa = 0;
  long exponent = 0;
  const char *p = read_digits(first, end, &mantissa);
  ptrdiff_t count = p - first;
  if (count == 0 || (*first == '0' && count > 1)) return json_fail(s, start, wrong);
  if (p < end && *p == '.') {
    const char *fraction = p + 1;
    p = read_digits(fraction, end, &mantissa);
    if (p == fraction) return json_fail(s, start, wrong);
    count += p - fraction;
    exponent = (long)(fraction - p);
  }
  if (p < end && (*p | 0x20) == 'e' && !(p = read_exponent(p + 1, end, &exponent)))
    return json_fail(s, start, wrong);
  out->is_long = exact && is_long(first, p, mantissa, first != start);
  if (out->is_long) {
    out->integer = (int64_t)(first != start ? 0 - mantissa : mantissa);
  } else if (count > 19 || !exact_number(mantissa, exponent, &out->value)) {
    out->value = any_number(start, (size_t)(p - start));
  } else if (first != start) {
    out->value = -out->value;
  }
  return p;
}

const char *json_scan_word(JsonScan *s, const char *p, const char *word, size_t len) {
  size_t i = 0;
  while (i < len && p + i < s->end && p[i] == word[i]) i++;
  return i == len ? p + len : json_fail(s, p + i < s->end ? p : s->end, "not a value");
}
