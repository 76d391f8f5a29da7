/* Values for people: like JSON, cut where it gets long. The output is UTF-8 on one
 * line, whatever a text holds. */
#include <math.h>

#include "core/value_node.h"

typedef struct Shower {
  Buffer *out;
  size_t limit; /* of out->len */
} Shower;

static void show_value(const Shower *s, Value v);

static bool is_over(const Shower *s) {
  return s->out->len >= s->limit;
}

static void put_dots(const Shower *s) {
  buffer_puts(s->out, "…");
}

static void show_text(const Shower *s, Value v) {
  size_t len, most = is_over(s) ? 0 : s->limit - s->out->len, shown;
  const char *bytes = value_bytes(v, &len);
  shown = len < most ? len : most;
  while (shown < len && shown > 0 && (bytes[shown] & 0xC0) == 0x80) shown--;
  if (json_put_string(s->out, bytes, shown) != 0)
    buffer_printf(s->out, "(%zu bytes)", len);
  else if (shown < len) put_dots(s);
}

static void show_number(const Shower *s, double n) {
  if (json_put_number(s->out, n) != 0)
    buffer_puts(s->out, isnan(n) ? "nan" : n > 0 ? "inf" : "-inf");
}

static void show_array(const Shower *s, Value v) {
  size_t count = value_count(v);
  buffer_putc(s->out, '[');
  for (size_t i = 0; i < count && !is_over(s); i++) {
    if (i) buffer_putc(s->out, ',');
    show_value(s, value_array_at(v, i));
  }
  if (count && is_over(s)) put_dots(s);
  buffer_putc(s->out, ']');
}

static void show_object(const Shower *s, Value v) {
  Value key, item;
  buffer_putc(s->out, '{');
  for (size_t i = 0; !is_over(s) && value_object_at(v, i, &key, &item); i++) {
    if (i) buffer_putc(s->out, ',');
    show_text(s, key);
    buffer_putc(s->out, ':');
    show_value(s, item);
  }
  if (value_count(v) && is_over(s)) put_dots(s);
  buffer_putc(s->out, '}');
}

static void show_value(const Shower *s, Value v) {
  switch (v.type) {
  case VALUE_BOOL:
    buffer_puts(s->out, v.boolean ? "true" : "false");
    return;
  case VALUE_INT:
    json_put_integer(s->out, v.integer);
    return;
  case VALUE_DOUBLE:
    show_number(s, v.number);
    return;
  case VALUE_TEXT:
    show_text(s, v);
    return;
  case VALUE_ARRAY:
    show_array(s, v);
    return;
  case VALUE_OBJECT:
    show_object(s, v);
    return;
  default:
    buffer_puts(s->out, v.type == VALUE_NULL ? "null" : "nil");
  }
}

void value_show(Buffer *out, Value v, size_t limit) {
  show_value(&(Shower){out, out->len + limit}, v);
}
