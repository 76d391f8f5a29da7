/* Values as JSON text, and from parsed JSON. */
#include "core/value_node.h"

/* --- out -------------------------------------------------------------------------- */

static int put_value(Buffer *out, Value v, const ValuePath *up, Error *err);

static int set_error(const ValuePath *path, const char *what, Error *err) {
  Buffer way = {0};
  value_path_put(&way, path);
  enum { MOST = 200 };
  const char *text = way.len ? buffer_text(&way) : "the value", *dots = "";
  if (way.len > MOST) dots = "...", text += way.len - MOST;
  error_set(err, ERR_DECODE, "%s%s: %s", dots, text, what);
  buffer_free(&way);
  return ERR_DECODE;
}

static int put_array(Buffer *out, Value v, ValuePath *at, Error *err) {
  size_t count = value_count(v), run = 0;
  const Value *item = NULL;
  buffer_putc(out, '[');
  for (size_t i = 0; i < count; i++, item++, run--) {
    if (i) buffer_putc(out, ',');
    if (!run) item = value_array_run(v, i, &run);
    at->step.index = i;
    int code = put_value(out, *item, at, err);
    if (code) return code;
  }
  buffer_putc(out, ']');
  return 0;
}

static int put_object(Buffer *out, Value v, ValuePath *at, Error *err) {
  Value key, item;
  buffer_putc(out, '{');
  for (size_t i = 0; value_object_at(v, i, &key, &item); i++) {
    if (i) buffer_putc(out, ',');
    at->step.key = value_bytes(key, &at->step.key_len);
    if (json_put_string(out, at->step.key, at->step.key_len) != 0)
      return set_error(at, "a key that is not UTF-8", err);
    buffer_putc(out, ':');
    int code = put_value(out, item, at, err);
    if (code) return code;
  }
  buffer_putc(out, '}');
  return 0;
}

static int put_text(Buffer *out, Value v, const ValuePath *up, Error *err) {
  size_t len;
  const char *bytes = value_bytes(v, &len);
  if (json_put_string(out, bytes, len) == 0) return 0;
  return set_error(up, "a string that is not UTF-8", err);
}

static int put_value(Buffer *out, Value v, const ValuePath *up, Error *err) {
  ValuePath at = {.up = up};
  switch (v.type) {
  case VALUE_BOOL:
    buffer_puts(out, v.boolean ? "true" : "false");
    return 0;
  case VALUE_INT:
    json_put_integer(out, v.integer);
    return 0;
  case VALUE_DOUBLE:
    if (json_put_number(out, v.number) == 0) return 0;
    return set_error(up, "NaN and infinity are no JSON numbers", err);
  case VALUE_TEXT:
    return put_text(out, v, up, err);
  case VALUE_ARRAY:
    return put_array(out, v, &at, err);
  case VALUE_OBJECT:
    return put_object(out, v, &at, err);
  default:
    buffer_puts(out, "null");
    return 0;
  }
}

int value_to_json(Value v, Buffer *out, Error *err) {
  size_t before = out->len;
  int code = put_value(out, v, NULL, err);
  if (code) out->len = before;
  return code;
}

/* --- in: what is read waits in one stack of fields until its container is made ---- */

typedef struct Reader {
  ValueAccount *account;
  const JsonArena *arena;
  Buffer fields, items; /* of ValueField, of Value */
} Reader;

static Value read_item(Reader *r, const cJSON *item);

static Value read_array(Reader *r, const cJSON *item) {
  size_t before = r->items.len, count = 0;
  bool failed = false;
  for (const cJSON *child = item->child; child; child = child->next, count++) {
    Value v = read_item(r, child);
    failed = failed || v.type == VALUE_ABSENT;
    buffer_put(&r->items, &v, sizeof v);
  }
  Value *items = (Value *)(void *)(r->items.data + before), array = {0};
  r->items.len = before;
  if (!failed) array = value_array(r->account, items, count);
  for (size_t i = 0; failed && i < count; i++) value_release(items[i]);
  return array;
}

static Value read_object(Reader *r, const cJSON *item) {
  size_t before = r->fields.len, count = 0;
  bool failed = false;
  for (const cJSON *child = item->child; child; child = child->next, count++) {
    ValueField field = {.item = read_item(r, child)};
    field.key = json_string(r->arena, child, true, &field.key_len);
    failed = failed || field.item.type == VALUE_ABSENT;
    buffer_put(&r->fields, &field, sizeof field);
  }
  ValueField *fields = (ValueField *)(void *)(r->fields.data + before);
  r->fields.len = before;
  if (!failed) return value_object_of(r->account, fields, count);
  for (size_t i = 0; i < count; i++) value_release(fields[i].item);
  return (Value){0};
}

static Value read_item(Reader *r, const cJSON *item) {
  int64_t integer;
  size_t len;
  const char *bytes;
  if (item->type == JSON_INT64) return value_int(json_int64(item));
  switch (item->type & 0xFF) {
  case cJSON_False:
  case cJSON_True:
    return value_bool((item->type & 0xFF) == cJSON_True);
  case cJSON_Number:
    if (json_integer(item, &integer)) return value_int(integer);
    return value_double(item->valuedouble);
  case cJSON_String:
  case JSON_BYTES:
    bytes = json_string(r->arena, item, false, &len);
    return value_text(r->account, bytes, len);
  case cJSON_Array:
    return read_array(r, item);
  case cJSON_Object:
    return read_object(r, item);
  default:
    return value_null();
  }
}

int value_from_json(ValueAccount *account, const JsonArena *arena, const cJSON *item,
                    Value *out, Error *err) {
  Reader r = {.account = account, .arena = arena};
  *out = read_item(&r, item);
  buffer_free(&r.fields);
  buffer_free(&r.items);
  return out->type == VALUE_ABSENT ? value_error(err, ERR_MEMORY) : 0;
}
