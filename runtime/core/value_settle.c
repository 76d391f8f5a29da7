/* Parts of a new value that equal the old one become the old one's nodes, so that a
 * comparison of nodes sees no change there. Objects are compared by key, arrays by index;
 * from the place on where an array's items have moved, they stay as they are. */
#include "core/value_node.h"

enum { MOST_OTHERS = 16 }; /* items of an array that differ, until it counts as moved */

typedef struct Settling {
  ValueAccount *account;
  ValuePace pace; /* once it is late, the rest stays as it is */
} Settling;

static Value settle_object(Settling *s, Value before, Value after);
static Value settle_array(Settling *s, Value before, Value after);

static bool is_other_container(Value before, Value after) {
  return value_is_container(after) && before.type == after.type &&
         before.node != after.node;
}

static Value settle_value(Settling *s, Value before, Value after) {
  if (equal_within(before, after, &s->pace)) {
    value_retain(before);
    value_release(after);
    return before;
  }
  if (s->pace.late || !is_other_container(before, after)) return after;
  return (after.type == VALUE_ARRAY ? settle_array : settle_object)(s, before, after);
}

Value value_settle(ValueAccount *account, Value before, Value after) {
  return value_settle_within(account, before, after, NULL);
}

Value value_settle_within(ValueAccount *account, Value before, Value after,
                          ValueLate *is_late) {
  Settling s = {account, {.is_late = is_late}};
  Value settled = settle_value(&s, before, after);
  if (!s.pace.late) return settled;
  value_release(settled);
  return (Value){0};
}

/* Whether another node replaces the item, which is borrowed: then *now is new. */
static bool settle_item(Settling *s, Value was, Value item, Value *now) {
  if (!is_other_container(was, item)) return false;
  *now = settle_value(s, was, value_retain(item));
  if (now->node != item.node) return true;
  value_release(*now);
  return false;
}

static void settle_key(Settling *s, Value was, Value *after, size_t index) {
  Value key, item, now;
  size_t len;
  value_object_at(*after, index, &key, &item);
  if (!settle_item(s, was, item, &now)) return;
  value_retain(key);
  const char *name = value_bytes(key, &len);
  value_object_set(s->account, after, name, len, now);
  value_release(key);
}

/* Both are sorted by key, and may share most of what they have. */
static Value settle_sorted(Settling *s, Value before, Value after) {
  size_t i = 0, j = 0, run;
  Value was, is, item, unused;
  while (i < value_count(before) && j < value_count(after) && !pace_is_late(&s->pace)) {
    run = tree_shared(tree_of(before), i, tree_of(after), j);
    i += run, j += run;
    if (run) continue;
    value_object_at(before, i, &was, &item);
    value_object_at(after, j, &is, &unused);
    const Text *text = (const Text *)is.node;
    int order = text_compare((const Text *)was.node, text->bytes, text->len);
    if (order == 0) settle_key(s, item, &after, j);
    i += order <= 0;
    j += order >= 0;
  }
  return after;
}

static Value settle_object(Settling *s, Value before, Value after) {
  Value key, item;
  size_t len;
  if (value_object_is_sorted(before) && value_object_is_sorted(after))
    return settle_sorted(s, before, after);
  for (size_t i = 0; value_object_at(after, i, &key, &item) && !s->pace.late; i++) {
    const char *name = value_bytes(key, &len);
    settle_key(s, value_object_get(before, name, len), &after, i);
  }
  return after;
}

static Value settle_array(Settling *s, Value before, Value after) {
  size_t others = 0, run;
  for (size_t i = 0; i < value_count(after) && others < MOST_OTHERS; i += run) {
    if (i >= value_count(before) || pace_is_late(&s->pace)) break;
    run = tree_shared(tree_of(before), i, tree_of(after), i);
    if (run) continue;
    run = 1;
    Value was = value_array_at(before, i), item = value_array_at(after, i), now;
    if (settle_item(s, was, item, &now)) value_array_set(s->account, &after, i, now);
    others += !value_same(was, value_array_at(after, i));
  }
  return after;
}
