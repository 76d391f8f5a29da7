/* Merging: two values that were made of one are put together, where they differ from it
 * in other places. Objects are merged key by key; anything else is one place. */
#include "core/value.h"

static bool same_place(Value a, Value b) {
  if (a.type == VALUE_ABSENT || b.type == VALUE_ABSENT) return a.type == b.type;
  return value_same(a, b) || value_equal(a, b);
}

/* What stands under the key of *ours becomes the merged value; false: they conflict. */
static bool merge_key(ValueAccount *account, Value key, Value base, Value *ours,
                      Value theirs) {
  size_t len;
  const char *name = value_bytes(key, &len);
  Value was = value_object_get(base, name, len), is = value_object_get(theirs, name, len);
  if (same_place(was, is)) return true;
  Value mine = value_object_get(*ours, name, len), merged;
  if (is.type == VALUE_ABSENT) {
    if (!same_place(mine, was)) return mine.type == VALUE_ABSENT;
    return value_object_remove(account, ours, name, len, NULL) == 0;
  }
  if (!value_merge(account, was, mine, is, &merged)) return false;
  return value_object_set(account, ours, name, len, merged) == 0;
}

static bool merge_keys(ValueAccount *account, Value from, Value base, Value *ours,
                       Value theirs) {
  Value key, item;
  for (size_t i = 0; value_object_at(from, i, &key, &item); i++)
    if (!merge_key(account, key, base, ours, theirs)) return false;
  return true;
}

static bool merge_objects(ValueAccount *account, Value base, Value ours, Value theirs,
                          Value *merged) {
  *merged = value_retain(ours);
  if (merge_keys(account, theirs, base, merged, theirs) &&
      merge_keys(account, base, base, merged, theirs))
    return true;
  value_release(*merged);
  return false;
}

bool value_merge(ValueAccount *account, Value base, Value ours, Value theirs,
                 Value *merged) {
  bool objects = base.type == VALUE_OBJECT && ours.type == VALUE_OBJECT &&
                 theirs.type == VALUE_OBJECT;
  if (same_place(base, theirs) || same_place(ours, theirs)) *merged = value_retain(ours);
  else if (same_place(base, ours)) *merged = value_retain(theirs);
  else return objects && merge_objects(account, base, ours, theirs, merged);
  return true;
}
