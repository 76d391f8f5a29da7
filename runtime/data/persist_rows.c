/* From differences of values to rows. Each container with a row per item is a Branch; a
 * difference is followed down the branches to its row, and that row is written anew; a
 * splice of an array that is a branch removes and adds rows.
 *
 * Ranks: new items get the middle of the gap between their neighbours. Where a gap is
 * used up, the rows around it are spread out again, in a window that is doubled until
 * there is room: few rows, however often the same place is hit. */
#include "data/persist_rows.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 1 << 16 };

/* --- branches -------------------------------------------------------------------------
 */

static int compare_keys(const RowKey *a, const RowKey *b) {
  if (!a->key) return (a->rank > b->rank) - (a->rank < b->rank);
  size_t least = a->len < b->len ? a->len : b->len;
  int order = memcmp(a->key, b->key, least);
  return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* The index of the child, or (*found false) where it would be. */
static size_t find_child(const Branch *b, const RowKey *place, bool *found) {
  size_t low = 0, high = b->count;
  *found = false;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = compare_keys(&b->children[middle]->place, place);
    if (order == 0) *found = true;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

static Branch *child_at(const Branch *b, const RowKey *place) {
  bool found;
  size_t i = find_child(b, place, &found);
  return found ? b->children[i] : NULL;
}

Branch *branch_new(Rows *rows, int64_t id, ValueType type, RowKey place) {
  Branch *b = xcalloc(1, sizeof *b);
  b->id = id;
  b->type = type;
  b->place = place;
  if (place.key) b->place.key = xstrndup(place.key, place.len);
  if (type == VALUE_ARRAY) b->ranks = value_array(rows->account, NULL, 0);
  return b;
}

static void branch_free(Branch *b) {
  for (size_t i = 0; i < b->count; i++) branch_free(b->children[i]);
  if (b->unread) b->unread->branch = NULL;
  free((char *)b->place.key);
  value_release(b->ranks);
  free(b->children);
  free(b);
}

void branch_add(Branch *b, Branch *child) {
  bool found;
  size_t i = find_child(b, &child->place, &found);
  CHECK(!found);
  if (b->count == b->room) {
    b->room = b->room ? b->room * 2 : 4;
    b->children = xrealloc(b->children, b->room * sizeof *b->children);
  }
  memmove(&b->children[i + 1], &b->children[i], (b->count - i) * sizeof *b->children);
  b->children[i] = child;
  b->count++;
}

static int64_t rank_at(const Branch *b, size_t index) {
  return value_array_at(b->ranks, index).integer;
}

static void rank_insert(Rows *rows, Branch *b, size_t index, int64_t rank) {
  CHECK(value_array_insert(rows->account, &b->ranks, index, value_int(rank)) == 0);
}

/* --- operations -----------------------------------------------------------------------
 */

static Op *add_op(Rows *rows, OpKind kind, int64_t parent, const RowKey *place) {
  if (rows->count == rows->room) {
    rows->room = rows->room ? rows->room * 2 : 16;
    rows->ops = xrealloc(rows->ops, rows->room * sizeof *rows->ops);
  }
  Op *op = &rows->ops[rows->count++];
  *op = (Op){.kind = kind, .parent = parent};
  if (!place) return op;
  op->place = *place;
  if (place->key) op->place.key = xstrndup(place->key, place->len);
  return op;
}

Op *rows_take(Rows *rows, size_t *count) {
  Op *ops = rows->ops;
  *count = rows->count;
  rows->ops = NULL;
  rows->count = rows->room = 0;
  return ops;
}

void ops_free(Op *ops, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free((char *)ops[i].place.key);
    value_release(ops[i].item);
  }
  free(ops);
}

/* An unread child is read first: history and views may still hold its value. */
static void drop_rows(Rows *rows, const Branch *b) {
  if (b->unread) value_count(b->unread->lazy);
  for (size_t i = 0; i < b->count; i++) drop_rows(rows, b->children[i]);
  add_op(rows, OP_DROP, b->id, NULL);
}

/* Drops the child at the place, if there is one, with all its rows. */
static void drop_child(Rows *rows, Branch *b, const RowKey *place) {
  bool found;
  size_t i = find_child(b, place, &found);
  if (!found) return;
  drop_rows(rows, b->children[i]);
  branch_free(b->children[i]);
  b->count--;
  memmove(&b->children[i], &b->children[i + 1], (b->count - i) * sizeof *b->children);
}

/* Takes the approximate length of its text off `left`; false when that is used up. */
static bool fits_row(Value v, size_t *left) {
  size_t len = 8;
  if (v.type == VALUE_TEXT) value_bytes(v, &len);
  if (len > *left) return false;
  *left -= len;
  Value key, item;
  if (v.type == VALUE_ARRAY)
    for (size_t i = 0; i < value_count(v); i++)
      if (!fits_row(value_array_at(v, i), left)) return false;
  if (v.type == VALUE_OBJECT)
    for (size_t i = 0; value_object_at(v, i, &key, &item); i++)
      if (!fits_row(key, left) || !fits_row(item, left)) return false;
  return true;
}

static bool is_split(Value v, int level) {
  size_t left = SPLIT_BYTES;
  return value_count(v) > 1 && level < SPLIT_LEVELS && !fits_row(v, &left);
}

static void put_item(Rows *rows, Branch *b, const RowKey *place, Value item, int level);

static void put_items(Rows *rows, Branch *b, Value v, int level) {
  Value key, item;
  if (v.type == VALUE_ARRAY)
    for (size_t i = 0; i < value_count(v); i++) {
      RowKey at = {.rank = (int64_t)(i + 1) * RANK_GAP};
      rank_insert(rows, b, i, at.rank);
      put_item(rows, b, &at, value_array_at(v, i), level);
    }
  else
    for (size_t i = 0; value_object_at(v, i, &key, &item); i++) {
      RowKey at = {0};
      at.key = value_bytes(key, &at.len);
      put_item(rows, b, &at, item, level);
    }
}

/* Writes the row; a large item becomes a branch with rows of its own. */
static void put_item(Rows *rows, Branch *b, const RowKey *place, Value item, int level) {
  drop_child(rows, b, place);
  bool split = is_split(item, level);
  if (!split) value_force(item); /* the database's thread reads it */
  Op *op = add_op(rows, OP_PUT, b->id, place);
  op->level = level;
  if (!split) {
    op->item = value_retain(item);
    return;
  }
  Branch *child = branch_new(rows, rows->next_id++, item.type, *place);
  op->child = child->id;
  op->item = value_bool(item.type == VALUE_ARRAY);
  branch_add(b, child);
  put_items(rows, child, item, level + 1);
}

static void remove_item(Rows *rows, Branch *b, const RowKey *place) {
  drop_child(rows, b, place);
  add_op(rows, OP_DELETE, b->id, place);
}

/* --- splices --------------------------------------------------------------------------
 */

static void remove_run(Rows *rows, Branch *b, size_t index, size_t count) {
  for (size_t i = 0; i < count; i++) {
    RowKey at = {.rank = rank_at(b, index)};
    remove_item(rows, b, &at);
    CHECK(value_array_remove(rows->account, &b->ranks, index, NULL) == 0);
  }
}

static void move_item(Rows *rows, Branch *b, size_t index, int64_t rank) {
  RowKey at = {.rank = rank_at(b, index)};
  add_op(rows, OP_MOVE, b->id, &at)->rank = rank;
  CHECK(value_array_set(rows->account, &b->ranks, index, value_int(rank)) == 0);
}

/* Gives the items from..to new ranks above `low`, `step` apart, with room for `count`
 * more before `index`; the children among them keep their order. */
static void spread_ranks(Rows *rows, Branch *b, size_t from, size_t to, size_t index,
                         size_t count, int64_t low, int64_t step) {
  bool found;
  RowKey first = {.rank = rank_at(b, from)};
  size_t child = find_child(b, &first, &found);
  for (size_t i = from; i < to; i++) {
    int64_t before = rank_at(b, i);
    int64_t rank = low + step * (int64_t)(i - from + 1 + (i >= index ? count : 0));
    if (child < b->count && b->children[child]->place.rank == before)
      b->children[child++]->place.rank = rank;
    move_item(rows, b, i, rank);
  }
  add_op(rows, OP_SETTLE, b->id, NULL);
}

/* Makes room for `count` items before `index`, which has neighbours on both sides. */
static void make_room(Rows *rows, Branch *b, size_t index, size_t count) {
  size_t n = value_count(b->ranks);
  for (size_t w = 4;; w *= 2) {
    size_t from = index > w ? index - w : 0, to = n - index > w ? index + w : n;
    int64_t slots = (int64_t)(to - from + count + 1);
    int64_t low = from ? rank_at(b, from - 1) : rank_at(b, 0) - slots * RANK_GAP;
    int64_t high = to < n ? rank_at(b, to) : rank_at(b, n - 1) + slots * RANK_GAP;
    int64_t step = (high - low) / slots;
    if (step < ROOM_LEAST && (from || to < n)) continue;
    spread_ranks(rows, b, from, to, index, count, low, step);
    return;
  }
}

/* The first of `count` new ranks before `index`, and how far they are apart. */
static int64_t find_ranks(Rows *rows, Branch *b, size_t index, size_t count,
                          int64_t *step) {
  size_t n = value_count(b->ranks);
  int64_t slots = (int64_t)count + 1;
  *step = RANK_GAP;
  if (n == 0) return RANK_GAP;
  if (index == n) return rank_at(b, n - 1) + RANK_GAP;
  if (index == 0) return rank_at(b, 0) - (int64_t)count * RANK_GAP;
  if (rank_at(b, index) - rank_at(b, index - 1) < slots) make_room(rows, b, index, count);
  *step = (rank_at(b, index) - rank_at(b, index - 1)) / slots;
  return rank_at(b, index - 1) + *step;
}

static void splice_rows(Rows *rows, Branch *b, const ValueChange *c, int level) {
  rows->done_in = NULL;
  remove_run(rows, b, c->index, c->removed);
  if (!c->inserted) return;
  int64_t step, first = find_ranks(rows, b, c->index, c->inserted, &step);
  for (size_t i = 0; i < c->inserted; i++) {
    RowKey at = {.rank = first + (int64_t)i * step};
    rank_insert(rows, b, c->index + i, at.rank);
    put_item(rows, b, &at, value_array_at(c->after, c->index + i), level);
  }
}

/* --- following a difference -----------------------------------------------------------
 */

typedef struct Sync {
  Rows *rows;
  const char *key;
  size_t key_len;
  Value after; /* of the key */
} Sync;

static RowKey key_of_step(const Branch *b, const ValueStep *step) {
  if (step->key) return (RowKey){.key = step->key, .len = step->key_len};
  return (RowKey){.rank = rank_at(b, step->index)};
}

/* Whether this difference has written the row already, with its final content. */
static bool is_done(const Rows *rows, const Branch *b, const RowKey *place) {
  return rows->done_in == b && compare_keys(&rows->done_at, place) == 0;
}

static void write_row(Rows *rows, Branch *b, const RowKey *place, Value item, int level) {
  put_item(rows, b, place, item, level);
  rows->done_in = b;
  rows->done_at = *place;
}

/* The steps of the path, the key of the store first. Returns how many. */
static size_t lay_out(const Sync *s, const ValuePath *path, ValueStep *steps) {
  size_t n = 1;
  for (const ValuePath *p = path; p; p = p->up) n++;
  size_t i = n;
  for (const ValuePath *p = path; p; p = p->up) steps[--i] = p->step;
  steps[0] = (ValueStep){.key = s->key, .key_len = s->key_len};
  return n;
}

static Value item_at_step(const Sync *s, Value at, const ValueStep *steps, size_t i) {
  return i == 0 ? s->after : value_get(at, &steps[i], 1);
}

static int on_change(void *ctx, const ValueChange *c) {
  Sync *s = ctx;
  ValueStep steps[VALUE_DEPTH + 1];
  size_t n = lay_out(s, c->path, steps);
  Branch *b = s->rows->root;
  Value item = {0};
  for (size_t i = 0; i < n; i++) {
    RowKey at = key_of_step(b, &steps[i]);
    if (is_done(s->rows, b, &at)) return 0;
    Branch *child = child_at(b, &at);
    bool last = i + 1 == n;
    item = item_at_step(s, item, steps, i);
    if (last && c->kind == VALUE_REMOVE) remove_item(s->rows, b, &at);
    else if (!child || (last && c->kind == VALUE_SET))
      write_row(s->rows, b, &at, item, (int)i);
    else {
      b = child;
      continue;
    }
    return 0;
  }
  splice_rows(s->rows, b, c, (int)n);
  return 0;
}

void rows_sync(Rows *rows, const char *key, size_t len, Value before, Value after) {
  Sync s = {rows, key, len, after};
  RowKey at = {.key = key, .len = len};
  rows->done_in = NULL;
  if (value_same(before, after) && before.type == after.type) return;
  if (after.type == VALUE_ABSENT) remove_item(rows, rows->root, &at);
  else if (before.type == VALUE_ABSENT) put_item(rows, rows->root, &at, after, 0);
  else value_diff(before, after, on_change, &s);
}

/* --- life -----------------------------------------------------------------------------
 */

void rows_init(Rows *rows) {
  *rows = (Rows){.account = value_account_new(0), .next_id = ROOT_ID + 1};
  rows->root = branch_new(rows, ROOT_ID, VALUE_OBJECT, (RowKey){0});
}

void rows_forget(Rows *rows) {
  branch_free(rows->root);
  rows->root = branch_new(rows, ROOT_ID, VALUE_OBJECT, (RowKey){0});
  rows->next_id = ROOT_ID + 1;
  ops_free(rows->ops, rows->count);
  rows->ops = NULL;
  rows->count = rows->room = 0;
}

void rows_quarantine(Rows *rows, Branch *branch, const char *name) {
  add_op(rows, OP_ASIDE, branch->id, &(RowKey){.key = name, .len = strlen(name)});
}

void rows_free(Rows *rows) {
  branch_free(rows->root);
  ops_free(rows->ops, rows->count);
  value_account_close(rows->account);
}
