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

/* --- after a change --------------------------------------------------------------- */

typedef struct Again {
  ValueAccount *account;
  Value initial, root, gone; /* gone: the result; owned */
} Again;

/* Which keys are gone below the first of the steps. */
static void look_again(ValueAccount *account, Value initial, Value root, Value *gone,
                       const ValueStep *steps, size_t count) {
  const ValueStep *step = steps;
  Value item = value_object_get(initial, step->key, step->key_len);
  Value is = value_object_get(root, step->key, step->key_len), below = {0};
  if (item.type == VALUE_ABSENT) return;
  if (is.type == VALUE_ABSENT) {
    below = value_bool(true);
  } else if (both_objects(item, is)) {
    Value was = value_object_get(*gone, step->key, step->key_len);
    if (count == 1 || !steps[1].key || was.type == VALUE_BOOL) {
      below = defaults_gone(account, item, is);
    } else {
      below = was.type == VALUE_OBJECT ? value_retain(was) : value_object(account);
      look_again(account, item, is, &below, steps + 1, count - 1);
    }
  }
  if (below.type == VALUE_BOOL || value_count(below) > 0) {
    value_object_set(account, gone, step->key, step->key_len, below);
    return;
  }
  value_release(below);
  value_object_remove(account, gone, step->key, step->key_len, NULL);
}

/* A change inside an array changes no keys; deeper than a state may nest there are none.
 */
static int on_change(void *ctx, const ValueChange *change) {
  enum { DEEPEST = 128 };
  Again *again = ctx;
  ValueStep steps[DEEPEST];
  size_t count = 0;
  for (const ValuePath *at = change->path; at; at = at->up) count++;
  if (count == 0 || count > DEEPEST) return 1;
  size_t i = count;
  for (const ValuePath *at = change->path; at; at = at->up) steps[--i] = at->step;
  look_again(again->account, again->initial, again->root, &again->gone, steps, count);
  return 0;
}

Value defaults_gone_now(ValueAccount *account, Value initial, Value before, Value root,
                        Value gone) {
  Again again = {account, initial, root, {0}};
  again.gone = gone.type == VALUE_OBJECT ? value_retain(gone) : value_object(account);
  if (value_diff(before, root, on_change, &again) == 0) return again.gone;
  value_release(again.gone);
  return defaults_gone(account, initial, root);
}

/* --- filling in ------------------------------------------------------------------- */

static Value gone_below(Value gone, const char *name, size_t len) {
  return gone.type == VALUE_OBJECT ? value_object_get(gone, name, len) : (Value){0};
}

/* Whether the item was put in, or a key into it. */
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
