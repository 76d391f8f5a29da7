/* JSON text into cJSON's nodes, in one strict pass. Each event a server sends goes
 * through here, so: strings are looked at and copied eight bytes at a time, numbers are
 * computed while their digits are checked, nodes and strings are bumped off the arena.
 *
 * The readers take the place where their value starts and return what follows it, or NULL
 * after fail(). They recurse once a level of nesting, JSON_MAX_DEPTH deep at most. */
#include "core/jsonread.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonrun.h"
#include "core/utf8.h"

typedef JsonReader Reader;

static const char too_early[] = "the text ends too early";

/* Not inlined: what fails must not slow down what does not. */
static __attribute__((noinline, cold)) const char *fail(Reader *r, const char *at,
                                                        const char *what) {
  r->at = at;
  r->what = at == r->end && what ? too_early : what;
  return NULL;
}

static const char *full(Reader *r, const char *at) {
  return fail(r, at, NULL);
}

static inline bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *skip_space(const char *p, const char *end) {
  while (p < end && (uint8_t)*p <= ' ' && is_space(*p)) p++;
  return p;
}

/* --- strings ---------------------------------------------------------------------- */

/* A string that is being written: ROOM bytes are free behind `to` whenever it is looked
 * at, enough for a word, an escape, or the NUL and the alignment of what comes next. */
typedef struct Writer {
  JsonText *text;
  char *to, *limit;
  uint64_t seen; /* all bytes that were copied, or'ed */
} Writer;

enum { ROOM = 16 };

static inline bool writer_start(Reader *r, Writer *w) {
  JsonArena *arena = r->arena;
  if ((size_t)(arena->end - arena->next) < sizeof(JsonText) + ROOM &&
      !json_arena_grow(arena, sizeof(JsonText) + ROOM))
    return false;
  w->text = (JsonText *)arena->next;
  w->to = w->text->bytes;
  w->limit = arena->end - ROOM;
  w->seen = 0;
  return true;
}

/* The bytes so far move to a chunk with room for as many again. */
static bool writer_grow(Reader *r, Writer *w) {
  JsonText *old = w->text;
  size_t len = (size_t)(w->to - old->bytes);
  if (!json_arena_grow(r->arena, sizeof(JsonText) + 2 * len + 2 * ROOM)) return false;
  w->text = (JsonText *)r->arena->next;
  memcpy(w->text->bytes, old->bytes, len);
  w->to = w->text->bytes + len;
  w->limit = r->arena->end - ROOM;
  return true;
}

static inline char *writer_end(Reader *r, const Writer *w) {
  size_t len = (size_t)(w->to - w->text->bytes);
  w->text->len = len;
  *w->to = '\0';
  r->arena->next = (char *)w->text + ((sizeof(JsonText) + len + 8) & ~(size_t)7);
  return w->text->bytes;
}

/* Copies what needs no look: to the first byte that does, or until there is no word on
 * one of the sides. */
static inline const char *copy_words(Writer *w, const char *p, const char *end) {
  for (; end - p >= 8 && w->to <= w->limit; p += 8, w->to += 8) {
    uint64_t v = json_word(p), special = json_special(v);
    memcpy(w->to, p, 8);
    if (special) {
      unsigned n = json_before(special);
      w->seen |= json_bytes_before(v, special);
      w->to += n;
      return p + n;
    }
    w->seen |= v;
  }
  return p;
}

static const char *copy_plain(Writer *w, const char *p, const char *end) {
  p = copy_words(w, p, end);
  for (; p < end && w->to <= w->limit && !json_is_special((uint8_t)*p); p++) {
    w->seen |= (uint8_t)*p;
    *w->to++ = *p;
  }
  return p;
}

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

/* The low surrogate whose escape stands at p, or -1. */
static int low_surrogate(const char *p, const char *end) {
  if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return -1;
  int value = hex4(p + 2, end);
  return value >= 0xDC00 && value <= 0xDFFF ? value : -1;
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

/* `p` stands at the backslash of \uXXXX; half a pair of surrogates is U+FFFD. */
static const char *read_unicode(Reader *r, const char *p, Writer *w) {
  int c = hex4(p + 2, r->end);
  if (c < 0) return fail(r, p, "\\u without four hexadecimal digits");
  p += 6;
  if (c >= 0xD800 && c <= 0xDFFF) {
    int low = c < 0xDC00 ? low_surrogate(p, r->end) : -1;
    c = low < 0 ? 0xFFFD : 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    if (low >= 0) p += 6;
  }
  w->to = put_character(w->to, c);
  return p;
}

static const char *read_escape(Reader *r, const char *p, Writer *w) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  if (r->end - p < 2) return fail(r, r->end, too_early);
  if (p[1] == 'u') return read_unicode(r, p, w);
  const char *found = p[1] ? strchr(from, p[1]) : NULL;
  if (!found) return fail(r, p, "no such escape");
  *w->to++ = to[found - from];
  return p + 2;
}

/* Goes on where copy_words stopped, to the closing quote. */
static __attribute__((noinline)) const char *read_rest(Reader *r, const char *p,
                                                       const char *start, Writer *w) {
  for (;;) {
    p = copy_plain(w, p, r->end);
    if (p == r->end) return fail(r, start, "a string without an end");
    if (*p == '"') return p;
    if (w->to > w->limit) {
      if (!writer_grow(r, w)) return full(r, p);
    } else if (*p == '\\') {
      if (!(p = read_escape(r, p, w))) return NULL;
    } else if ((uint8_t)*p < 0x20) {
      return fail(r, p, "a raw control character in a string");
    }
  }
}

/* `p` stands at the opening quote. */
static const char *read_string(Reader *r, const char *p, char **out) {
  const char *start = p;
  Writer w;
  if (!writer_start(r, &w)) return full(r, p);
  p = copy_words(&w, p + 1, r->end);
  if (p == r->end || *p != '"') {
    Writer rest = w; /* a copy, so that w can stay in registers */
    if (!(p = read_rest(r, p, start, &rest))) return NULL;
    w = rest;
  }
  if (json_high(w.seen) && !utf8_valid(start, (size_t)(p - start)))
    return fail(r, start, "a string that is not UTF-8");
  *out = writer_end(r, &w);
  return p + 1;
}

/* --- numbers ---------------------------------------------------------------------- */

/* strtod wants a NUL behind the number and the locale's decimal point in it. */
static double any_number(const char *from, size_t len) {
  char few[64], *text = len < sizeof few ? few : xmalloc(len + 1);
  memcpy(text, from, len);
  text[len] = '\0';
  double value = json_strtod(text);
  if (text != few) free(text);
  return value;
}

/* Where mantissa and power of ten are both exact doubles, one operation rounds right. */
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

/* More than 19 digits do not fit *value: who needs it counts them. */
static inline const char *digits(const char *p, const char *end, uint64_t *value) {
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
  const char *q = digits(p, end, &n);
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

/* Not inlined, as it would cost each other value the saving of its registers. */
static __attribute__((noinline)) const char *read_number(Reader *r, const char *start,
                                                         cJSON *item) {
  static const char wrong[] = "not a number as JSON writes it";
  const char *end = r->end, *first = start + (*start == '-');
  uint64_t mantissa = 0;
  long exponent = 0;
  const char *p = digits(first, end, &mantissa);
  ptrdiff_t count = p - first;
  if (count == 0 || (*first == '0' && count > 1)) return fail(r, start, wrong);
  if (p < end && *p == '.') {
    const char *fraction = p + 1;
    p = digits(fraction, end, &mantissa);
    if (p == fraction) return fail(r, start, wrong);
    count += p - fraction;
    exponent = (long)(fraction - p);
  }
  if (p < end && (*p | 0x20) == 'e' && !(p = read_exponent(p + 1, end, &exponent)))
    return fail(r, start, wrong);
  if (r->exact && is_long(first, p, mantissa, first != start)) {
    json_set_int64(item, (int64_t)(first != start ? 0 - mantissa : mantissa));
    return p;
  }
  double value;
  if (count > 19 || !exact_number(mantissa, exponent, &value))
    value = any_number(start, (size_t)(p - start));
  else if (first != start) value = -value;
  item->type = cJSON_Number;
  item->valuedouble = value;
  return p;
}

/* --- values ----------------------------------------------------------------------- */

static const char *read_value(Reader *r, const char *p, cJSON *item);

static cJSON *new_item(JsonArena *arena) {
  if ((size_t)(arena->end - arena->next) < sizeof(cJSON) &&
      !json_arena_grow(arena, sizeof(cJSON)))
    return NULL;
  cJSON *item = (cJSON *)arena->next;
  arena->next += sizeof(cJSON);
  *item = (cJSON){0};
  return item;
}

/* "name" and the colon; returns where the value starts. */
static const char *read_name(Reader *r, const char *p, cJSON *item) {
  if (p == r->end || *p != '"') return fail(r, p, "not a name in quotes");
  if (!(p = read_string(r, p, &item->string))) return NULL;
  p = skip_space(p, r->end);
  if (p == r->end || *p != ':') return fail(r, p, "not a `:`");
  return skip_space(p + 1, r->end);
}

/* What is between the brackets, the first of which stands at p. */
static inline const char *read_items(Reader *r, const char *p, cJSON *parent,
                                     char close) {
  cJSON **link = &parent->child;
  if (r->levels-- == 0) return fail(r, p, "nested too deeply");
  p = skip_space(p + 1, r->end);
  bool more = p == r->end || *p != close;
  while (more) {
    cJSON *item = new_item(r->arena);
    if (!item) return full(r, p);
    *link = item;
    link = &item->next;
    parent->valueint++;
    if (close == '}' && !(p = read_name(r, p, item))) return NULL;
    if (!(p = read_value(r, p, item))) return NULL;
    p = skip_space(p, r->end);
    more = p < r->end && *p == ',';
    if (more) p = skip_space(p + 1, r->end);
  }
  if (p == r->end || *p != close) return fail(r, p, "not a `,` or the closing bracket");
  r->levels++;
  return p + 1;
}

static __attribute__((noinline)) const char *read_word(Reader *r, const char *p,
                                                       const char *word, size_t len) {
  size_t i = 0;
  while (i < len && p + i < r->end && p[i] == word[i]) i++;
  return i == len ? p + len : fail(r, p + i < r->end ? p : r->end, "not a value");
}

static const char *read_value(Reader *r, const char *p, cJSON *item) {
  switch (p < r->end ? *p : '\0') {
  case '"':
    item->type = cJSON_String;
    return read_string(r, p, &item->valuestring);
  case '{':
    item->type = cJSON_Object;
    return read_items(r, p, item, '}');
  case '[':
    item->type = cJSON_Array;
    return read_items(r, p, item, ']');
  case 't':
    item->type = cJSON_True;
    return read_word(r, p, "true", 4);
  case 'f':
    item->type = cJSON_False;
    return read_word(r, p, "false", 5);
  case 'n':
    item->type = cJSON_NULL;
    return read_word(r, p, "null", 4);
  case '-':
  case '0' ... '9':
    return read_number(r, p, item);
  default:
    return fail(r, p, "not a value");
  }
}

const cJSON *json_read(Reader *r, const char *text) {
  cJSON *root = new_item(r->arena);
  if (!root) return full(r, text), NULL;
  const char *p = skip_space(text, r->end);
  if (!(p = read_value(r, p, root))) return NULL;
  p = skip_space(p, r->end);
  return p == r->end ? root : (fail(r, p, "text after the value"), NULL);
}
