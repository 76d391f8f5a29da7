/* See value_key.h. */
#include "core/value_key.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- writing ---------------------------------------------------------------------- */

/* Most significant byte first. */
static char *put_word(char *p, uint64_t word) {
  for (int i = 7; i >= 0; i--) *p++ = (char)(word >> (8 * i));
  return p;
}

static bool is_whole(double n) {
  return n >= -9223372036854775808.0 && n < 9223372036854775808.0 &&
         (double)(int64_t)n == n;
}

char *key_put_number(char *p, Value v) {
  bool whole = v.type == VALUE_INT || is_whole(v.number);
  uint64_t word;
  if (v.type == VALUE_INT) word = (uint64_t)v.integer;
  else if (whole) word = (uint64_t)(int64_t)v.number;
  else memcpy(&word, &v.number, sizeof word);
  *p++ = whole ? 'i' : 'd';
  return put_word(p, word);
}

/* One byte for a short one, else 0xff and four. */
static char *put_length(char *p, uint32_t len) {
  if (len < 0xff) {
    *p++ = (char)len;
    return p;
  }
  *p++ = (char)0xff;
  for (int i = 3; i >= 0; i--) *p++ = (char)(len >> (8 * i));
  return p;
}

char *key_put_length(char *p, uint32_t len) {
  *p++ = 's';
  return put_length(p, len);
}

typedef struct Writer {
  Buffer *out;
  size_t from;
  Error *err;
} Writer;

static int put_item(const Writer *w, Value v, const ValuePath *at);

static int refuse_item(const Writer *w, const ValuePath *at, const char *what) {
  Buffer path = {0};
  if (at) value_path_put(&path, at);
  error_set(w->err, ERR_INVALID, "%.200s%s%s", path.len ? buffer_text(&path) : "",
            path.len ? ": " : "", what);
  buffer_free(&path);
  return ERR_INVALID;
}

static int check_size(const Writer *w, size_t more) {
  if (more <= KEY_MOST && w->out->len - w->from + more <= KEY_MOST) return 0;
  return error_set(w->err, ERR_TOO_LARGE, "a key of more than %d bytes", KEY_MOST);
}

static int put_bytes(const Writer *w, const char *bytes, size_t len) {
  if (check_size(w, len)) return ERR_TOO_LARGE;
  buffer_put(w->out, bytes, len);
  return 0;
}

static int put_items(const Writer *w, Value list, const ValuePath *up) {
  ValuePath at = {.up = up};
  int code = 0;
  for (size_t i = 0; code == 0 && i < value_count(list); i++) {
    at.step.index = i;
    code = put_item(w, value_array_at(list, i), &at);
  }
  return code;
}

typedef struct Field {
  const char *key;
  size_t len;
  Value item;
} Field;

static int by_key(const void *a, const void *b) {
  const Field *x = a, *y = b;
  int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);
  return order ? order : (x->len > y->len) - (x->len < y->len);
}

static int put_field(const Writer *w, const Field *field, const ValuePath *up) {
  ValuePath at = {.up = up, .step = {.key = field->key, .key_len = field->len}};
  char head[KEY_LENGTH];
  if (check_size(w, field->len) != 0) return ERR_TOO_LARGE;
  char *end = put_length(head, (uint32_t)field->len);
  int code = put_bytes(w, head, (size_t)(end - head));
  if (code == 0) code = put_bytes(w, field->key, field->len);
  return code ? code : put_item(w, field->item, &at);
}

static int put_fields(const Writer *w, Value object, const ValuePath *up) {
  size_t count = value_count(object);
  if (check_size(w, 2 * count) != 0) return ERR_TOO_LARGE;
  Field *fields = xcalloc(count + 1, sizeof *fields);
  Value key;
  for (size_t i = 0; value_object_at(object, i, &key, &fields[i].item) && i < count; i++)
    fields[i].key = value_bytes(key, &fields[i].len);
  if (!value_object_is_sorted(object)) qsort(fields, count, sizeof *fields, by_key);
  int code = put_bytes(w, "{", 1);
  for (size_t i = 0; code == 0 && i < count; i++) code = put_field(w, &fields[i], up);
  free(fields);
  return code ? code : put_bytes(w, "}", 1);
}

static int put_list(const Writer *w, Value list, const ValuePath *at) {
  int code = put_bytes(w, "[", 1);
  if (code == 0) code = put_items(w, list, at);
  return code ? code : put_bytes(w, "]", 1);
}

static int put_text(const Writer *w, Value text) {
  size_t len;
  char head[KEY_LENGTH + 1];
  const char *bytes = value_bytes(text, &len);
  if (check_size(w, len) != 0) return ERR_TOO_LARGE;
  char *end = key_put_length(head, (uint32_t)len);
  int code = put_bytes(w, head, (size_t)(end - head));
  return code ? code : put_bytes(w, bytes, len);
}

static int put_number(const Writer *w, Value v, const ValuePath *at) {
  char number[KEY_NUMBER];
  if (v.type == VALUE_DOUBLE && isnan(v.number))
    return refuse_item(w, at, "NaN cannot be part of a key");
  key_put_number(number, v);
  return put_bytes(w, number, sizeof number);
}

static bool is_list(Value v) {
  return v.type == VALUE_ARRAY || (v.type == VALUE_OBJECT && value_count(v) == 0);
}

static int put_item(const Writer *w, Value v, const ValuePath *at) {
  char flag;
  switch (v.type) {
  case VALUE_NULL:
    return put_bytes(w, "n", 1);
  case VALUE_BOOL:
    key_put_bool(&flag, v.boolean);
    return put_bytes(w, &flag, 1);
  case VALUE_INT:
  case VALUE_DOUBLE:
    return put_number(w, v, at);
  case VALUE_TEXT:
    return put_text(w, v);
  default:
    return is_list(v) ? put_list(w, v, at) : put_fields(w, v, at);
  }
}

int value_key_put(Buffer *out, Value v, Error *err) {
  Writer w = {out, out->len, err};
  size_t len;
  if (v.type == VALUE_ABSENT || v.type == VALUE_NULL)
    return refuse_item(&w, NULL, "null is no key");
  if (!is_list(v) && v.type != VALUE_TEXT) return put_item(&w, v, NULL);
  buffer_putc(out, is_list(v) ? KEY_LIST : KEY_STRING);
  w.from = out->len; /* a text of KEY_MOST bytes is taken */
  if (is_list(v)) return put_items(&w, v, NULL);
  const char *bytes = value_bytes(v, &len);
  return put_bytes(&w, bytes, len);
}

/* --- reading ---------------------------------------------------------------------- */

typedef struct Reader {
  ValueAccount *account;
  const char *at, *end;
  int depth;
} Reader;

static Value read_item(Reader *r);

static bool take_length(Reader *r, size_t *len) {
  if (r->at == r->end) return false;
  *len = (uint8_t)*r->at++;
  if (*len == 0xff) {
    if (r->end - r->at < 4) return false;
    *len = 0;
    for (int i = 0; i < 4; i++) *len = *len << 8 | (uint8_t)*r->at++;
  }
  return *len <= (size_t)(r->end - r->at);
}

static Value read_text(Reader *r) {
  size_t len;
  if (!take_length(r, &len)) return (Value){0};
  r->at += len;
  return value_text(r->account, r->at - len, len);
}

static Value read_number(Reader *r, bool whole) {
  uint64_t word = 0;
  double number;
  if (r->end - r->at < 8) return (Value){0};
  for (int i = 0; i < 8; i++) word = word << 8 | (uint8_t)*r->at++;
  if (whole) return value_int((int64_t)word);
  memcpy(&number, &word, sizeof number);
  return value_double(number);
}

/* Items up to the byte `stop`; 0: to the end. */
static Value read_list(Reader *r, char stop) {
  ValueArrayBuild *build = value_array_begin(r->account);
  while (r->at < r->end && (!stop || *r->at != stop)) {
    Value item = read_item(r);
    if (item.type == VALUE_ABSENT) {
      value_array_drop(build);
      return item;
    }
    value_array_add(build, item);
  }
  if (stop && r->at++ >= r->end) {
    value_array_drop(build);
    return (Value){0};
  }
  return value_array_end(build);
}

static bool read_field(Reader *r, Value *object) {
  size_t len;
  if (!take_length(r, &len)) return false;
  const char *key = r->at;
  r->at += len;
  Value item = read_item(r);
  return item.type != VALUE_ABSENT &&
         value_object_set(r->account, object, key, len, item) == 0;
}

static Value read_object(Reader *r) {
  Value object = value_object(r->account);
  while (r->at < r->end && *r->at != '}')
    if (!read_field(r, &object)) break;
  if (r->at < r->end && *r->at++ == '}') return object;
  value_release(object);
  return (Value){0};
}

static Value read_inner(Reader *r, char kind) {
  Value v = {0};
  if (++r->depth <= VALUE_DEPTH) v = kind == '[' ? read_list(r, ']') : read_object(r);
  r->depth--;
  return v;
}

static Value read_item(Reader *r) {
  if (r->at == r->end) return (Value){0};
  char kind = *r->at++;
  switch (kind) {
  case 'n':
    return value_null();
  case 'f':
  case 't':
    return value_bool(kind == 't');
  case 'i':
  case 'd':
    return read_number(r, kind == 'i');
  case 's':
    return read_text(r);
  case '[':
  case '{':
    return read_inner(r, kind);
  default:
    return (Value){0};
  }
}

Value value_key_read(ValueAccount *account, const char *bytes, size_t len) {
  Reader r = {account, bytes, bytes + len, 0};
  if (len && *bytes == KEY_STRING) return value_text(account, bytes + 1, len - 1);
  if (len && *bytes == KEY_LIST) {
    r.at++;
    return read_list(&r, 0);
  }
  Value v = read_item(&r);
  if (r.at == r.end) return v;
  value_release(v);
  return (Value){0};
}
