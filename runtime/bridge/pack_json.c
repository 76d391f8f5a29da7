/* See pack_json.h. */
#include "bridge/pack_json.h"

#include <string.h>

#include "bridge/pack.h"
#include "core/json.h"

static void skip_value(const char **at) {
  size_t len;
  switch (*(*at)++) {
  case 'i':
  case 'd':
    *at += 8;
    break;
  case 's':
    pack_take(at, &len, sizeof len);
    *at += len;
    break;
  case 'a':
  case 'o':
  case 't':
    while (**at != 'e') skip_value(at);
    (*at)++;
    break;
  default:
    break;
  }
}

/* Whether the keys are 1, 2, ... in this order; an empty table is none. */
static bool is_sequence(const char *at) {
  int64_t i, n = 0;
  for (; *at == 'i'; skip_value(&at)) {
    at++;
    pack_take(&at, &i, sizeof i);
    if (i != ++n) return false;
  }
  return *at == 'e' && n > 0;
}

static void put_value(const char **at, Buffer *out);

static void put_key(const char **at, Buffer *out) {
  size_t start = out->len;
  bool text = **at == 's';
  put_value(at, out);
  if (text && out->data[start] == '"') return;
  Buffer plain = {0};
  buffer_put(&plain, out->data + start, out->len - start);
  out->len = start;
  json_put_string(out, plain.data, plain.len);
  buffer_free(&plain);
}

static void put_table(const char **at, Buffer *out, char tag) {
  bool array = is_sequence(*at) || (tag == 'a' && **at == 'e');
  buffer_putc(out, array ? '[' : '{');
  for (bool first = true; **at != 'e'; first = false) {
    if (!first) buffer_putc(out, ',');
    if (array) {
      skip_value(at);
    } else {
      put_key(at, out);
      buffer_putc(out, ':');
    }
    put_value(at, out);
  }
  (*at)++;
  buffer_putc(out, array ? ']' : '}');
}

static void put_text(const char **at, Buffer *out) {
  size_t len;
  pack_take(at, &len, sizeof len);
  if (json_put_string(out, *at, len) != 0) buffer_puts(out, "null");
  *at += len;
}

static void put_value(const char **at, Buffer *out) {
  int64_t i;
  double n;
  char tag = *(*at)++;
  switch (tag) {
  case 'T':
  case 'F':
    buffer_puts(out, tag == 'T' ? "true" : "false");
    break;
  case 'i':
    pack_take(at, &i, sizeof i);
    json_put_integer(out, i);
    break;
  case 'd':
    pack_take(at, &n, sizeof n);
    if (json_put_number(out, n) != 0) buffer_puts(out, "null");
    break;
  case 's':
    put_text(at, out);
    break;
  case 'a':
  case 'o':
  case 't':
    put_table(at, out, tag);
    break;
  default:
    buffer_puts(out, "null");
  }
}

bool pack_to_json(const char *bytes, size_t len, Buffer *out) {
  if (!pack_check(bytes, len)) return false;
  put_value(&bytes, out);
  return true;
}
