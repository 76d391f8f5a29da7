/* A store: see store.h. History is a ring of changes, each holding the root before and
 * after; as roots share what did not change, a change holds the nodes that it made. Those
 * are counted against history_bytes: the oldest changes are dropped until it fits. */
#include "data/store.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "data/defaults.h"

struct Store {
  ValueAccount *account;
  Value root, initial;
  StoreLimits limits;
  ValueLate *is_late;
  Charge *charge;    /* may be NULL */
  StoreChange *ring; /* room for so many; it grows to limits.history */
  size_t room, first, count, bytes;
  void (*changed)(void *ctx); /* NULL: nobody listens */
  void *ctx;
  size_t used; /* of the account, after the last change, without what was only read */
};

static size_t or_default(size_t value, size_t standard) {
  return value ? value : standard;
}

/* May wrap around: differences count. */
static size_t changed_bytes(const Store *s) {
  return value_account_used(s->account) - value_account_loaded(s->account);
}

static StoreChange *change_at(const Store *s, size_t index) {
  return &s->ring[(s->first + index) % s->room];
}

/* Doubles the ring, which is never without room. False when it may not grow. */
static bool grow_ring(Store *s) {
  size_t room = s->room ? 2 * s->room : 16;
  if (room > s->limits.history) room = s->limits.history;
  size_t more = (room - s->room) * sizeof *s->ring;
  bool first = s->room == 0;
  if (more == 0 || (!first && charge_is_full(s->charge, room * sizeof *s->ring)))
    return false;
  StoreChange *ring = xcalloc(room, sizeof *ring);
  for (size_t i = 0; i < s->count; i++) ring[i] = *change_at(s, i);
  free(s->ring);
  s->ring = ring;
  s->room = room;
  s->first = 0;
  charge_add(s->charge, more);
  return true;
}

Store *store_new(const StoreLimits *limits, Charge *charge) {
  Store *s = xcalloc(1, sizeof *s);
  s->limits.memory = or_default(limits->memory, STORE_MEMORY);
  s->limits.history = or_default(limits->history, 100);
  s->limits.history_bytes = or_default(limits->history_bytes, (size_t)16 << 20);
  s->account = value_account_new(s->limits.memory);
  s->charge = charge_ref(charge);
  grow_ring(s);
  value_account_charge(s->account, charge);
  s->root = value_object(s->account);
  s->initial = value_retain(s->root);
  s->used = changed_bytes(s);
  return s;
}

static void release_change(StoreChange *c) {
  value_release(c->before);
  value_release(c->after);
  free(c->script);
  free(c->action);
  *c = (StoreChange){0};
}

static void forget_oldest(Store *s) {
  StoreChange *oldest = change_at(s, 0);
  s->bytes -= oldest->bytes;
  release_change(oldest);
  s->first = (s->first + 1) % s->room;
  s->count--;
}

void store_free(Store *s) {
  while (s->count) forget_oldest(s);
  value_release(s->root);
  value_release(s->initial);
  value_account_close(s->account);
  charge_remove(s->charge, s->room * sizeof *s->ring);
  charge_unref(s->charge);
  free(s->ring);
  free(s);
}

void store_watch(Store *s, ValueLate *is_late) {
  s->is_late = is_late;
}

void store_listen(Store *s, void (*changed)(void *ctx), void *ctx) {
  s->changed = changed;
  s->ctx = ctx;
}

ValueAccount *store_account(Store *s) {
  return s->account;
}

Value store_root(const Store *s) {
  return s->root;
}

void store_begin(Store *s, Value root) {
  CHECK(root.type == VALUE_OBJECT && s->count == 0);
  value_release(s->root);
  s->root = root;
}

Value store_gone(const Store *s) {
  return defaults_gone(s->account, s->initial, s->root);
}

/* A root before, and with the new keys of the initial state. */
typedef struct Filled {
  Value old, fresh; /* both owned */
} Filled;

/* Roots that history shares stay shared. */
static void fill_root(Store *s, Value *root, Value was, Filled *last) {
  if (!value_same(*root, last->old)) {
    Value gone = defaults_gone(s->account, was, *root);
    value_release(last->old);
    value_release(last->fresh);
    *last = (Filled){.old = value_retain(*root), .fresh = value_retain(*root)};
    defaults_fill(s->account, &last->fresh, s->initial, gone);
    value_release(gone);
  }
  value_release(*root);
  *root = value_retain(last->fresh);
}

/* Undo keeps keys that a new initial state added, and stops at a migration. */
static void fill_history(Store *s, Value was, Filled *last) {
  for (size_t i = s->count; i-- > 0;) {
    StoreChange *c = change_at(s, i);
    fill_root(s, &c->after, was, last);
    if (c->migrated) break;
    fill_root(s, &c->before, was, last);
  }
}

void store_set_initial(Store *s, Value initial, Value gone) {
  CHECK(initial.type == VALUE_OBJECT);
  Value was = s->initial;
  Filled last = {.old = value_retain(s->root)};
  s->initial = initial;
  defaults_fill(s->account, &s->root, initial, gone);
  last.fresh = value_retain(s->root);
  fill_history(s, was, &last);
  value_release(last.old);
  value_release(last.fresh);
  value_release(was);
  s->used = changed_bytes(s);
}

/* --- changes ---------------------------------------------------------------------- */

static void remember_change(Store *s, Value before, const char *script,
                            const char *action) {
  ptrdiff_t grown = (ptrdiff_t)(changed_bytes(s) - s->used);
  size_t made = (grown > 0 ? (size_t)grown : 0) + sizeof(StoreChange) + strlen(script) +
                (action ? strlen(action) : 0);
  if (s->count == s->room && !grow_ring(s)) forget_oldest(s);
  *change_at(s, s->count++) = (StoreChange){
      .time = clock_wall(),
      .script = xstrdup(script),
      .action = xstrdup(action),
      .before = before,
      .after = value_retain(s->root),
      .bytes = made,
  };
  s->bytes += made;
  while (s->count > 1 &&
         (s->bytes > s->limits.history_bytes || charge_is_full(s->charge, 0)))
    forget_oldest(s);
  s->used = changed_bytes(s);
}

static bool replace_root(Store *s, Value root, const char *script, const char *action) {
  if (value_same(root, s->root)) {
    value_release(root);
    return false;
  }
  Value before = s->root;
  s->root = root;
  remember_change(s, before, script, action);
  return true;
}

static void call_listener(Store *s) {
  if (s->changed) s->changed(s->ctx);
}

static bool commit_settled(Store *s, Value root, const char *script, const char *action,
                           ValueLate *is_late) {
  Value settled = value_settle_within(s->account, s->root, root, is_late);
  return settled.type != VALUE_ABSENT && replace_root(s, settled, script, action);
}

bool store_commit(Store *s, Value root, const char *script, const char *action) {
  bool changed = commit_settled(s, root, script, action, s->is_late);
  if (changed) call_listener(s);
  return changed;
}

bool store_migrate(Store *s, Value root, const char *script) {
  bool changed = commit_settled(s, root, script, "migrate", NULL);
  if (changed) change_at(s, s->count - 1)->migrated = true;
  return changed;
}

bool store_settle(Store *s, Value root, Value shown) {
  root = value_settle(s->account, s->root, root);
  if (value_same(root, s->root)) {
    value_release(root);
    return false;
  }
  root = value_settle(s->account, shown, root);
  value_release(s->root);
  s->root = root;
  s->used = changed_bytes(s);
  return true;
}

bool store_reset(Store *s, const char *script) {
  return store_commit(s, value_retain(s->initial), script, "reset");
}

/* The root after the change at `index`, and as it was before the next one: what was
 * settled between them is their difference. */
static bool add_settled(Store *s, size_t index, Value *root) {
  Value from = change_at(s, index)->after;
  Value to = index + 1 < s->count ? change_at(s, index + 1)->before : s->root;
  Value merged;
  if (value_same(from, to)) return true;
  if (!value_merge(s->account, from, *root, to, &merged)) return false;
  value_release(*root);
  *root = merged;
  return true;
}

int store_undo(Store *s, size_t n, const char *script, Error *err) {
  if (n == 0 || n > s->count)
    return error_set(err, ERR_NOT_FOUND,
                     "undo(%zu): the history of this store holds %zu changes", n,
                     s->count);
  for (size_t i = s->count - n; i < s->count; i++)
    if (change_at(s, i)->migrated)
      return error_set(err, ERR_INVALID,
                       "undo(%zu): the state was migrated since, and is of another shape",
                       n);
  Value root = value_retain(change_at(s, s->count - n)->before);
  for (size_t i = s->count - n; i < s->count; i++)
    if (!add_settled(s, i, &root)) {
      value_release(root);
      return error_set(err, ERR_INVALID,
                       "undo(%zu): what it would take back was changed by a mutation "
                       "that was settled since",
                       n);
    }
  replace_root(s, root, script, "undo"); /* the same nodes as before */
  call_listener(s);
  return 0;
}

size_t store_history_count(const Store *s) {
  return s->count;
}

const StoreChange *store_history_at(const Store *s, size_t index) {
  return index < s->count ? change_at(s, index) : NULL;
}

/* --- paths ------------------------------------------------------------------------ */

typedef struct Listing {
  Buffer *out;
  size_t left;
} Listing;

static int list_path(void *ctx, const ValueChange *change) {
  Listing *listing = ctx;
  if (listing->left-- == 0) {
    buffer_puts(listing->out, "...\n");
    return 1;
  }
  value_path_put(listing->out, change->path);
  if (change->kind == VALUE_SPLICE)
    buffer_printf(listing->out, "[%zu]", change->index + 1);
  buffer_putc(listing->out, '\n');
  return 0;
}

void store_changed_paths(Value before, Value after, size_t max, Buffer *out) {
  Listing listing = {out, max};
  value_diff(before, after, list_path, &listing);
}
