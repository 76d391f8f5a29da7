#include "data/defaults.h"

static bool both_objects(Value a, Value b) {
  return a.type == VALUE_OBJECT && b.type == VALUE_OBJECT && value_count(a) > 0;
}

Value defaults_gone(ValueAccount *account, Value initial, Value root) {
  Value gone = value_object(account), key, item;
  for (size_t i = 0; value_object_at(initial, i, &key, &item); i++) {
    size_t len;
    const char *name = value_bytes(key, &len);
    Value is = value_object_get(root, name, len), below = {0};
    if (is.type == VALUE_ABSENT) below = value_bool(true);
    else if (both_objects(item, is)) below = defaults_gone(account, item, is);
    if (below.type == VALUE_BOOL || value_count(below) > 0)
      value_object_set(account, &gone, name, len, below);
    else value_release(below);
  }
  return gone;
}

static Value gone_below(Value gone, const char *name, size_t len) {
  return gone.type == VALUE_OBJECT ? value_object_get(gone, name, len) : (Value){0};
}

/* Whether the item came in, or something into it. */
static bool fill_item(ValueAccount *account, Value *root, const char *name, size_t len,
                      Value item, Value gone) {
  Value is = value_object_get(*root, name, len);
  if (is.type == VALUE_ABSENT)
    return gone.type != VALUE_BOOL &&
           value_object_set(account, root, name, len, value_retain(item)) == 0;
  if (!both_objects(item, is)) return false;
  is = value_retain(is);
  if (defaults_fill(account, &is, item, gone))
    return value_object_set(account, root, name, len, is) == 0;
  value_release(is);
  return false;
}

bool defaults_fill(ValueAccount *account, Value *root, Value initial, Value gone) {
  Value key, item;
  bool filled = false;
  for (size_t i = 0; value_object_at(initial, i, &key, &item); i++) {
    size_t len;
    const char *name = value_bytes(key, &len);
    bool came = fill_item(account, root, name, len, item, gone_below(gone, name, len));
    filled = filled || came;
  }
  return filled;
}
