/* Differences of two values. Objects are compared key by key; arrays from left to right,
 * shared leaves skipped; where they differ, the code looks a few items ahead for where
 * they are equal again, so that an insertion or removal does not count as a change of all
 * items behind it.
 */
#include "core/value_node.h"

enum { AHEAD = 64 };

typedef struct Differ {
  ValueDiffFn *fn;
  void *ctx;
} Differ;

static int walk_values(const Differ *d, const ValuePath *path, Value before, Value after);

static int report_change(const Differ *d, ValueChangeKind kind, const ValuePath *path,
                         Value before, Value after) {
  return d->fn(d->ctx, &(ValueChange){
                           .kind = kind, .path = path, .before = before, .after = after});
}

/* --- arrays ----------------------------------------------------------------------- */

typedef struct Sides {
  Value before, after;
  size_t i, j, from, to; /* positions, lengths */
} Sides;

static bool same_at(const Sides *s, size_t i, size_t j) {
  if (i >= s->from || j >= s->to) return i == s->from && j == s->to;
  return value_same(value_array_at(s->before, i), value_array_at(s->after, j));
}

static void skip_same(Sides *s) {
  while (s->i < s->from && s->j < s->to) {
    size_t k = tree_shared(tree_of(s->before), s->i, tree_of(s->after), s->j);
    if (!k && !same_at(s, s->i, s->j)) return;
    s->i += k + !k, s->j += k + !k;
  }
}

/* How many items were removed and inserted here until both sides are equal again. Equal
 * numbers are changed items; with no match nearby one item changed. */
static void find_meeting(const Sides *s, size_t *went, size_t *came) {
  for (size_t n = 1; n <= AHEAD; n++) {
    *went = *came = n;
    if (same_at(s, s->i + n, s->j + n)) return;
    *went = 0, *came = n;
    if (same_at(s, s->i, s->j + n)) return;
    *went = n, *came = 0;
    if (same_at(s, s->i + n, s->j)) return;
  }
  *went = *came = 1;
}

static int report_splice(const Differ *d, const ValuePath *path, const Sides *s,
                         size_t went, size_t came) {
  return d->fn(d->ctx, &(ValueChange){.kind = VALUE_SPLICE,
                                      .path = path,
                                      .before = s->before,
                                      .after = s->after,
                                      .index = s->j,
                                      .removed = went,
                                      .inserted = came});
}

static int changed_items(const Differ *d, const ValuePath *path, Sides *s, size_t count) {
  int code = 0;
  for (; count && !code; count--, s->i++, s->j++) {
    ValuePath at = {.up = path, .step.index = s->j};
    code = walk_values(d, &at, value_array_at(s->before, s->i),
                       value_array_at(s->after, s->j));
  }
  return code;
}

static int walk_arrays(const Differ *d, const ValuePath *path, Value before,
                       Value after) {
  Sides s = {.before = before,
             .after = after,
             .from = value_count(before),
             .to = value_count(after)};
  for (int code; skip_same(&s), s.i < s.from && s.j < s.to;) {
    size_t went, came;
    find_meeting(&s, &went, &came);
    if (went == came) {
      code = changed_items(d, path, &s, went);
    } else {
      code = report_splice(d, path, &s, went, came);
      s.i += went, s.j += came;
    }
    if (code) return code;
  }
  if (s.i == s.from && s.j == s.to) return 0;
  return report_splice(d, path, &s, s.from - s.i, s.to - s.j);
}

/* --- objects ---------------------------------------------------------------------- */

static int report_removed(const Differ *d, const ValuePath *path, Value before,
                          Value after) {
  Value key, item;
  int code = 0;
  for (size_t i = 0; !code && value_object_at(before, i, &key, &item); i++) {
    ValuePath at = {.up = path};
    at.step.key = value_bytes(key, &at.step.key_len);
    Value now = value_object_get(after, at.step.key, at.step.key_len);
    if (now.type == VALUE_ABSENT) code = report_change(d, VALUE_REMOVE, &at, item, now);
  }
  return code;
}

/* Large ones are merged by key: both are sorted. */
static int walk_sorted(const Differ *d, const ValuePath *path, Value before,
                       Value after) {
  size_t i = 0, j = 0;
  Value key_i, item_i, key_j, item_j;
  for (;;) {
    size_t run = tree_shared(tree_of(before), i, tree_of(after), j);
    i += run, j += run;
    if (run) continue;
    bool more_i = value_object_at(before, i, &key_i, &item_i);
    bool more_j = value_object_at(after, j, &key_j, &item_j);
    if (!more_i && !more_j) return 0;
    ValuePath at = {.up = path};
    if (more_j) at.step.key = value_bytes(key_j, &at.step.key_len);
    int order =
        !more_i   ? 1
        : !more_j ? -1
                  : text_compare((const Text *)key_i.node, at.step.key, at.step.key_len);
    if (order < 0) {
      at.step.key = value_bytes(key_i, &at.step.key_len);
      item_j = (Value){0};
    }
    if (order > 0) item_i = (Value){0};
    i += order <= 0, j += order >= 0;
    int code = order < 0 ? report_change(d, VALUE_REMOVE, &at, item_i, item_j)
                         : walk_values(d, &at, item_i, item_j);
    if (code) return code;
  }
}

static int walk_objects(const Differ *d, const ValuePath *path, Value before,
                        Value after) {
  if (node_of(before)->kind == NODE_PAIRS && node_of(after)->kind == NODE_PAIRS)
    return walk_sorted(d, path, before, after);
  Value key, item;
  int code = report_removed(d, path, before, after);
  for (size_t i = 0; !code && value_object_at(after, i, &key, &item); i++) {
    ValuePath at = {.up = path};
    at.step.key = value_bytes(key, &at.step.key_len);
    code =
        walk_values(d, &at, value_object_get(before, at.step.key, at.step.key_len), item);
  }
  return code;
}

static int walk_values(const Differ *d, const ValuePath *path, Value before,
                       Value after) {
  if (value_same(before, after) && before.type == after.type) return 0;
  if (before.type == VALUE_ARRAY && after.type == VALUE_ARRAY)
    return walk_arrays(d, path, before, after);
  if (before.type == VALUE_OBJECT && after.type == VALUE_OBJECT)
    return walk_objects(d, path, before, after);
  return report_change(d, VALUE_SET, path, before, after);
}

int value_diff(Value before, Value after, ValueDiffFn *fn, void *ctx) {
  return walk_values(&(Differ){fn, ctx}, NULL, before, after);
}
