/* The grammar of JSON (RFC 8259, strict), for two readers: json.c makes a tree,
 * bridge/luadecode.c makes Lua values. The recursion is theirs, the rules are here. Each
 * event that a server sends is read here, so the common paths are inlined, and strings
 * are scanned eight bytes at a time.
 *
 * A scanner takes the place where an element starts and returns the place behind it, or
 * NULL after json_fail. The text is borrowed; nothing is allocated. */
#ifndef TIDELOCK_CORE_JSONSCAN_H
#define TIDELOCK_CORE_JSONSCAN_H

#include <math.h>

#include "core/error.h"
#include "core/jsonrun.h"

enum { JSON_MAX_DEPTH = 512 }; /* arrays and objects in one another */

typedef struct JsonScan {
  const char *end;  /* of the text */
  int levels;       /* how many more may be opened */
  const char *what; /* when it failed: static text */
  const char *at;   /* and the place */
} JsonScan;

/* Begins with a text; returns where its value starts, behind a byte order mark. */
const char *json_scan_start(JsonScan *s, const char *text, size_t len);
/* What failed, as an error (DECODE, with the byte offset and an excerpt). */
void json_scan_error(const JsonScan *s, const char *text, size_t len, Error *err);

/* Returns NULL. `what` follows "not JSON at byte n: ". */
const char *json_fail(JsonScan *s, const char *at, const char *what);

static inline const char *json_space(const char *p, const char *end) {
  while (p < end && (uint8_t)*p <= ' ' &&
         (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    p++;
  return p;
}

/* --- strings ---------------------------------------------------------------------- */

/* What stands between the quotes, valid UTF-8. */
typedef struct JsonSlice {
  const char *text;
  size_t len;
  bool escaped; /* it holds escapes: see json_unescape */
} JsonSlice;

/* Goes on at a byte that is not plain, or near the end of the text. */
const char *json_scan_rest(JsonScan *s, const char *p, JsonSlice *out);

/* `p` stands at the opening quote. */
static inline const char *json_scan_string(JsonScan *s, const char *p, JsonSlice *out) {
  uint64_t seen = 0, special = 0;
  *out = (JsonSlice){.text = ++p};
  for (; s->end - p >= 8; p += 8) {
    uint64_t v = json_word(p);
    special = json_special(v);
    if (special) {
      seen |= json_bytes_before(v, special);
      p += json_before(special);
      break;
    }
    seen |= v;
  }
  if (!special || *p != '"' || json_high(seen)) return json_scan_rest(s, p, out);
  out->len = (size_t)(p - out->text);
  return p + 1;
}

/* Writes at most slice->len bytes; returns how many. */
size_t json_unescape(char *to, const JsonSlice *slice);

/* --- numbers and words ------------------------------------------------------------ */

typedef struct JsonNumber {
  double value;
  int64_t integer; /* where is_long: one that no double holds */
  bool is_long;
} JsonNumber;

/* `p` stands at a digit or a minus. With `exact`, integers of 64 bits stay what they are.
 */
const char *json_scan_number(JsonScan *s, const char *p, bool exact, JsonNumber *out);

/* Whether a number is an integer that is exact (|n| <= 2^53), and its value. */
static inline bool json_exact_integer(double number, int64_t *value) {
  if (!(fabs(number) <= 9007199254740992.0)) return false;
  *value = (int64_t)number;
  return (double)*value == number && !(number == 0 && signbit(number));
}

/* strtod whatever the locale. */
double json_strtod(const char *text);

const char *json_scan_word(JsonScan *s, const char *p, const char *word, size_t len);

/* --- arrays and objects: '[' or '{' at p, more or not, each item, ']' or '}' ---------
 */

static inline const char *json_open(JsonScan *s, const char *p, char close, bool *more) {
  *more = false;
  if (s->levels-- == 0) return json_fail(s, p, "nested too deeply");
  p = json_space(p + 1, s->end);
  *more = p == s->end || *p != close;
  return p;
}

/* "name" and the colon; returns where the value starts. */
static inline const char *json_scan_name(JsonScan *s, const char *p, JsonSlice *name) {
  if (p == s->end || *p != '"') return json_fail(s, p, "not a name in quotes");
  if (!(p = json_scan_string(s, p, name))) return NULL;
  p = json_space(p, s->end);
  if (p == s->end || *p != ':') return json_fail(s, p, "not a `:`");
  return json_space(p + 1, s->end);
}

/* Behind an item. */
static inline const char *json_more(JsonScan *s, const char *p, bool *more) {
  p = json_space(p, s->end);
  *more = p < s->end && *p == ',';
  return *more ? json_space(p + 1, s->end) : p;
}

static inline const char *json_close(JsonScan *s, const char *p, char close) {
  if (p == s->end || *p != close)
    return json_fail(s, p, "not a `,` or the closing bracket");
  s->levels++;
  return p + 1;
}

/* Behind the value of the whole text. */
static inline bool json_scan_end(JsonScan *s, const char *p) {
  p = json_space(p, s->end);
  return p == s->end || json_fail(s, p, "text after the value");
}

#endif
