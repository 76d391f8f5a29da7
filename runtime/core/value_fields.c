/* Builds a large object at once: its fields sorted by key, then a tree over them. One by
 * one, each key would be looked up among those before it. */
#include <stdlib.h>
#include <string.h>

#include "core/value_node.h"

enum {
  RUN = 16 << 10, /* items that are sorted between two looks at the time */
  STRIDE = 4096   /* the same, for what takes less each */
};

static bool looks_late(ValueLate *is_late, size_t i) {
  return is_late && i % STRIDE == 0 && is_late();
}

/* The first bytes behind the prefix that all keys share decide most comparisons. */
typedef struct Sortable {
  uint64_t head;
  const ValueField *field;
} Sortable;

static uint64_t head_of(const ValueField *field, size_t from) {
  uint64_t head = 0;
  size_t len = field->key_len - from < 8 ? field->key_len - from : 8;
  for (size_t i = 0; i < len; i++)
    head |= (uint64_t)(unsigned char)field->key[from + i] << (56 - 8 * i);
  return head;
}

/* How many bytes all keys begin with. */
static size_t find_common(const ValueField *fields, size_t count) {
  size_t len = count ? fields[0].key_len : 0;
  for (size_t i = 1; i < count && len; i++) {
    if (fields[i].key_len < len) len = fields[i].key_len;
    while (len && memcmp(fields[i].key, fields[0].key, len) != 0) len--;
  }
  return len;
}

static int compare_keys(const ValueField *a, const ValueField *b) {
  size_t least = a->key_len < b->key_len ? a->key_len : b->key_len;
  int order = least ? memcmp(a->key, b->key, least) : 0;
  return order ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

/* Of equal keys the one that came last stands last. */
static int compare_items(const void *a, const void *b) {
  const Sortable *x = a, *y = b;
  if (x->head != y->head) return x->head < y->head ? -1 : 1;
  int order = compare_keys(x->field, y->field);
  return order ? order : (x->field > y->field) - (x->field < y->field);
}

static bool is_sorted(const Sortable *all, size_t count) {
  size_t i = 1;
  while (i < count && compare_items(&all[i - 1], &all[i]) < 0) i++;
  return i >= count;
}

/* Two sorted runs, [from, middle) and [middle, end), into one. */
static void merge_runs(const Sortable *from, const Sortable *middle, const Sortable *end,
                       Sortable *to) {
  const Sortable *a = from, *b = middle;
  while (a < middle && b < end) *to++ = compare_items(a, b) < 0 ? *a++ : *b++;
  while (a < middle) *to++ = *a++;
  while (b < end) *to++ = *b++;
}

/* One round: each two runs of that width become one. False when it is late. */
static bool merge_round(const Sortable *from, Sortable *to, size_t count, size_t width,
                        ValueLate *is_late) {
  for (size_t i = 0; i < count; i += 2 * width) {
    size_t middle = count - i < width ? count : i + width;
    size_t end = count - i < 2 * width ? count : i + 2 * width;
    if (is_late && is_late()) return false;
    merge_runs(from + i, from + middle, from + end, to + i);
  }
  return true;
}

/* In runs, between which it looks whether it is late; false then. */
static bool sort_items(Sortable **all, size_t count, ValueLate *is_late) {
  if (is_sorted(*all, count)) return true;
  for (size_t i = 0; i < count; i += RUN) {
    if (is_late && is_late()) return false;
    qsort(*all + i, count - i < RUN ? count - i : RUN, sizeof **all, compare_items);
  }
  Sortable *other = xmalloc((count + 1) * sizeof *other);
  bool in_time = true;
  for (size_t width = RUN; in_time && width < count; width *= 2) {
    in_time = merge_round(*all, other, count, width, is_late);
    Sortable *merged = other;
    other = *all;
    *all = merged;
  }
  free(other);
  return in_time;
}

/* Drops null, and all but the last of equal keys. Returns how many are left. */
static size_t drop_others(Sortable *all, size_t count) {
  size_t left = 0;
  for (size_t i = 0; i < count; i++) {
    bool last = i + 1 == count || compare_keys(all[i].field, all[i + 1].field) != 0;
    if (last && all[i].field->item.type != VALUE_NULL) all[left++] = all[i];
    else value_release(all[i].field->item);
  }
  return left;
}

static void release_pairs(Value *pairs, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) value_release(pairs[i]);
}

/* Takes the items; NULL when the account is full, or it is late. */
static Tree *build_tree(ValueAccount *account, const Sortable *all, size_t count,
                        ValueLate *is_late) {
  Value *pairs = xmalloc((count * 2 + 1) * sizeof *pairs);
  bool full = false;
  for (size_t i = 0; i < count; i++) {
    const ValueField *f = all[i].field;
    full = full || looks_late(is_late, i);
    pairs[i * 2] = full ? (Value){0} : value_text(account, f->key, f->key_len);
    pairs[i * 2 + 1] = f->item;
    full = full || pairs[i * 2].type == VALUE_ABSENT;
  }
  Tree *tree = NULL;
  if (full) release_pairs(pairs, 0, count * 2);
  else tree = tree_build(account, NODE_PAIRS, pairs, count);
  free(pairs);
  return tree;
}

static bool is_good(const ValueField *fields, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (fields[i].item.type == VALUE_ABSENT || height_of(fields[i].item) >= VALUE_DEPTH)
      return false;
  return true;
}

static int by_place(const void *a, const void *b) {
  const Sortable *x = a, *y = b;
  return (x->field > y->field) - (x->field < y->field);
}

/* For few fields: a flat object, in the order in which they came. */
static Value build_flat(ValueAccount *account, Sortable *all, size_t count) {
  ValueField fields[FLAT_MAX];
  qsort(all, count, sizeof *all, by_place);
  for (size_t i = 0; i < count; i++) fields[i] = *all[i].field;
  return value_object_of(account, fields, count);
}

static void release_fields(const ValueField *fields, size_t count) {
  for (size_t i = 0; i < count; i++) value_release(fields[i].item);
}

/* Returns new, sorted; NULL when it is late. The fields stay the caller's. */
static Sortable *sort_fields(const ValueField *fields, size_t count, ValueLate *is_late) {
  Sortable *all = xmalloc((count + 1) * sizeof *all);
  size_t from = find_common(fields, count);
  bool late = false;
  for (size_t i = 0; i < count && !late; i++) {
    all[i] = (Sortable){head_of(&fields[i], from), &fields[i]};
    late = looks_late(is_late, i);
  }
  if (!late && sort_items(&all, count, is_late)) return all;
  free(all);
  return NULL;
}

Value object_of_many(ValueAccount *account, const ValueField *fields, size_t count,
                     ValueLate *is_late) {
  Value object = {0};
  Sortable *all = is_good(fields, count) ? sort_fields(fields, count, is_late) : NULL;
  if (!all) {
    release_fields(fields, count);
    return object;
  }
  size_t left = drop_others(all, count);
  if (left <= FLAT_MAX) {
    object = build_flat(account, all, left);
  } else {
    Tree *tree = build_tree(account, all, left, is_late);
    if (tree) object = (Value){.type = VALUE_OBJECT, .node = &tree->node};
  }
  free(all);
  return object;
}
