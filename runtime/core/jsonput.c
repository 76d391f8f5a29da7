/* JSON text out. cJSON's own printer loses digits (of integers above 1e15, for one), so
 * nothing is printed through it. Numbers do not depend on the locale, which the terminal
 * may have changed. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonput.h"
#include "core/jsonrun.h"
#include "core/utf8.h"

#define EXACT 9007199254740992.0 /* 2^53 */

/* --- strings ---------------------------------------------------------------------- */

static void put_escape(Buffer *out, char c) {
  switch (c) {
  case '"':
    buffer_put(out, "\\\"", 2);
    return;
  case '\\':
    buffer_put(out, "\\\\", 2);
    return;
  case '\b':
    buffer_put(out, "\\b", 2);
    return;
  case '\f':
    buffer_put(out, "\\f", 2);
    return;
  case '\n':
    buffer_put(out, "\\n", 2);
    return;
  case '\r':
    buffer_put(out, "\\r", 2);
    return;
  case '\t':
    buffer_put(out, "\\t", 2);
    return;
  default: {
    static const char hex[] = "0123456789abcdef";
    char code[] = {'\\', 'u', '0', '0', hex[(unsigned char)c >> 4], hex[c & 15]};
    buffer_put(out, code, sizeof code);
  }
  }
}

/* The string from the first byte on that must be escaped. */
static void put_escaped(Buffer *out, const char *text, size_t len, bool *high) {
  for (size_t at = 0; at < len; at++) {
    put_escape(out, text[at]);
    size_t run = json_plain_run(text + at + 1, len - at - 1, high);
    buffer_put(out, text + at + 1, run);
    at += run;
  }
}

int json_put_string(Buffer *out, const char *text, size_t len) {
  size_t before = out->len;
  bool high = false;
  size_t run = json_plain_run(text, len, &high);
  char *end = buffer_reserve(out, len + 2);
  *end = '"';
  memcpy(end + 1, text, run);
  out->len += run + 1;
  if (run < len) put_escaped(out, text + run, len - run, &high);
  if (high && !utf8_valid(text, len)) {
    out->len = before;
    return ERR_DECODE;
  }
  buffer_putc(out, '"');
  return 0;
}

/* --- numbers ---------------------------------------------------------------------- */

void json_put_integer(Buffer *out, int64_t value) {
  char digits[24], *end = digits + sizeof digits, *p = end;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do {
    *--p = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (value < 0) *--p = '-';
  buffer_put(out, p, (size_t)(end - p));
}

/* The locale's decimal point may be several bytes long. */
static void point_to_dot(char *text) {
  const char *point = localeconv()->decimal_point;
  size_t len = strlen(point);
  char *at = len ? strstr(text, point) : NULL;
  if (!at) return;
  *at = '.';
  memmove(at + 1, at + len, strlen(at + len) + 1);
}

static void put_scaled(Buffer *out, bool minus, uint64_t digits, int decimals) {
  char text[24], *end = text + sizeof text, *p = end;
  for (; decimals > 0; decimals--, digits /= 10) *--p = (char)('0' + digits % 10);
  *--p = '.';
  if (minus) buffer_putc(out, '-');
  json_put_integer(out, (int64_t)digits);
  buffer_put(out, p, (size_t)(end - p));
}

/* Most numbers have few decimals. An exact mantissa divided by an exact power of ten
 * gives the value back; with 15 digits at most the text is the only one of that length
 * that does, so it is the same as printf's, at a tenth of its cost. */
static bool put_decimals(Buffer *out, double value) {
  double size = fabs(value), power = 10;
  if (size < 1e-4) return false; /* is printed with an exponent */
  for (int decimals = 1; size * power < 1e15; decimals++, power *= 10) {
    uint64_t mantissa = (uint64_t)(size * power + 0.5);
    if ((double)mantissa / power != size) continue;
    put_scaled(out, value < 0, mantissa, decimals);
    return true;
  }
  return false;
}

int json_put_number(Buffer *out, double value) {
  if (!isfinite(value)) return ERR_DECODE;
  if (fabs(value) <= EXACT && value == floor(value) && !(value == 0 && signbit(value))) {
    json_put_integer(out, (int64_t)value);
    return 0;
  }
  if (put_decimals(out, value)) return 0;
  char text[64];
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(text, sizeof text, "%.*g", precision, value);
    if (strtod(text, NULL) == value) break;
  }
  point_to_dot(text);
  buffer_puts(out, text);
  return 0;
}

/* --- laid out for people ---------------------------------------------------------- */

static void new_line(Buffer *out, int depth) {
  buffer_putc(out, '\n');
  for (int i = 0; i < depth; i++) buffer_put(out, "  ", 2);
}

static const char *string_end(const char *p, const char *end) {
  for (p++; p < end && *p != '"'; p++)
    if (*p == '\\') p++;
  return p + 1;
}

static int put_pretty(Buffer *out, const char *text, size_t len, size_t most) {
  const char *p = text, *end = text + len;
  int depth = 0;
  while (p < end) {
    const char *from = p++;
    if (out->len > most) return ERR_TOO_LARGE;
    if (!buffer_can_grow(out, (size_t)depth * 4 + 64)) return ERR_MEMORY;
    if (*from == '"') p = string_end(from, end);
    bool opens = *from == '{' || *from == '[', closes = *from == '}' || *from == ']';
    if (opens && p < end && (*p == '}' || *p == ']')) {
      buffer_put(out, from, 2);
      p++;
      continue;
    }
    if (closes) new_line(out, --depth);
    buffer_put(out, from, (size_t)(p - from));
    if (*from == ':') buffer_putc(out, ' ');
    if (opens) depth++;
    if (opens || *from == ',') new_line(out, depth);
  }
  return 0;
}

int json_lay_out(Buffer *out, size_t from, size_t most) {
  Buffer compact = {0};
  if (!memory_has(out->len)) return ERR_MEMORY;
  buffer_put(&compact, out->data + from, out->len - from);
  out->len = from;
  int code = put_pretty(out, compact.data, compact.len, most);
  if (code) out->len = from;
  buffer_free(&compact);
  return code;
}
