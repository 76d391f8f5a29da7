/* Paths into values: reading, writing and spelling them. */
#include <string.h>

#include "core/value_node.h"

static Value child_at_step(Value v, const ValueStep *step) {
  return step->key ? value_object_get(v, step->key, step->key_len)
                   : value_array_at(v, step->index);
}

Value value_get(Value root, const ValueStep *steps, size_t count) {
  for (size_t i = 0; i < count; i++) root = child_at_step(root, &steps[i]);
  return root;
}

static int put_step(ValueAccount *account, Value *v, const ValueStep *step, Value item) {
  if (step->key) return value_object_set(account, v, step->key, step->key_len, item);
  if (step->index == value_count(*v))
    return value_array_insert(account, v, step->index, item);
  return value_array_set(account, v, step->index, item);
}

/* Recurses as deep as the path is long, which is VALUE_DEPTH at most. */
static int set_below(ValueAccount *account, Value *v, const ValueStep *steps,
                     size_t count, Value item) {
  if (count == 1) return put_step(account, v, steps, item);
  Value child = value_retain(child_at_step(*v, steps));
  if (child.type == VALUE_ABSENT) child = value_object(account);
  if (child.type == VALUE_ABSENT) return value_release(item), ERR_MEMORY;
  int code = set_below(account, &child, steps + 1, count - 1, item);
  if (code) return value_release(child), code;
  return put_step(account, v, steps, child);
}

int value_set(ValueAccount *account, Value *root, const ValueStep *steps, size_t count,
              Value item) {
  if (count > VALUE_DEPTH) return value_release(item), ERR_TOO_LARGE;
  if (count > 0) return set_below(account, root, steps, count, item);
  value_release(*root);
  *root = item;
  return 0;
}

static bool is_name(const char *key, size_t len) {
  static const char letters[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  if (len == 0 || (*key >= '0' && *key <= '9')) return false;
  for (size_t i = 0; i < len; i++)
    if (!key[i] || !strchr(letters, key[i])) return false;
  return true;
}

void value_path_put_key(Buffer *out, size_t before, const char *key, size_t len) {
  if (is_name(key, len)) {
    if (out->len > before) buffer_putc(out, '.');
    buffer_put(out, key, len);
    return;
  }
  buffer_puts(out, "[\"");
  for (size_t i = 0; i < len && i < 60; i++)
    buffer_putc(out, key[i] >= 0x20 && key[i] < 0x7F ? key[i] : '?');
  buffer_puts(out, "\"]");
}

static void put_chain(Buffer *out, size_t before, const ValuePath *path) {
  if (!path) return;
  put_chain(out, before, path->up);
  if (path->step.key) value_path_put_key(out, before, path->step.key, path->step.key_len);
  else buffer_printf(out, "[%zu]", path->step.index + 1);
}

void value_path_put(Buffer *out, const ValuePath *path) {
  put_chain(out, out->len, path);
}
