/* Pending changes without Lua: the order, what fails, what stays the same node, slices,
 * groups, and what goes while changes are pending. Bases are objects, or lists of rows;
 * each entry says what it does in letters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"
#include "data/rebase.h"
#include "data/store.h"

enum { MOST = 300 };

typedef struct World World;

typedef struct Base {
  World *world;
  ValueAccount *account;
  Value value;  /* owned; absent: none */
  Store *store; /* NULL: `value` it is */
  RebaseTarget *target;
  int told;
} Base;

typedef struct Change {
  World *world;
  char what; /* '+': n rows more, one; 'k': key := n; '*': n := 2 n; '!': fails, having
                changed something; '2': n + 1 in all targets; 's': what the target had */
  char key[8];
  int n;
  int fails_at; /* of its applications; 0: never */
  int applied;
} Change;

struct World {
  Rebase *rebase;
  Base *bases; /* of `count` */
  size_t count;
  int opened, applied, forgotten, slices;
  char deaf; /* entries of this owner cannot be applied */
  double slow;
};

typedef struct Draft {
  World *world;
  Value trees[4];
  ValueAccount *accounts[4];
  size_t count;
} Draft;

static Value base_of(void *object) {
  const Base *b = object;
  return b->store ? store_root(b->store) : b->value;
}

static void *open_draft(void *ctx, void *owner, const RebaseTree *trees, size_t count) {
  World *w = ctx;
  if (w->deaf && w->deaf == *(char *)owner) return NULL;
  assert_true(count <= 4);
  w->opened++;
  Draft *d = xcalloc(1, sizeof *d);
  d->world = w;
  d->count = count;
  for (size_t i = 0; i < count; i++) {
    d->trees[i] = value_retain(trees[i].value);
    d->accounts[i] = trees[i].account;
  }
  return d;
}

static int64_t number(Value root, const char *key) {
  Value v = value_object_get(root, key, strlen(key));
  return v.type == VALUE_INT ? v.integer : -1;
}

static Value row(ValueAccount *a, int id) {
  ValueField fields[] = {{"id", 2, value_int(id)},
                         {"text", 4, value_text(a, "hello", 5)}};
  return value_object_of(a, fields, 2);
}

static void put(ValueAccount *a, Value *root, const char *key, Value item) {
  assert_int_equal(value_object_set(a, root, key, strlen(key), item), 0);
}

static void add_row(ValueAccount *a, Value *root, int id) {
  Value list = value_retain(value_object_get(*root, "rows", 4));
  assert_int_equal(value_object_remove(a, root, "rows", 4, NULL), 0);
  assert_int_equal(value_array_insert(a, &list, value_count(list), row(a, id)), 0);
  put(a, root, "rows", list);
}

static void burn(double seconds) {
  double until = clock_cpu() + seconds;
  while (clock_cpu() < until) {
  }
}

static bool apply_change(void *draft, void *entry, const size_t *places, size_t count) {
  Draft *d = draft;
  Change *c = entry;
  size_t at = places[0] == REBASE_GONE ? places[count - 1] : places[0];
  Value *root = &d->trees[at];
  ValueAccount *a = d->accounts[at];
  c->world->applied++;
  burn(c->world->slow);
  bool fails = c->what == '!' || (c->fails_at && ++c->applied == c->fails_at);
  if (root->type == VALUE_ABSENT) return true;
  if (c->what == '+' || c->what == '!') add_row(a, root, c->n);
  if (c->what == 'k') put(a, root, c->key, value_int(c->n));
  if (c->what == '*') put(a, root, c->key, value_int(2 * number(*root, c->key)));
  for (size_t i = 0; c->what == '2' && i < count; i++)
    if (places[i] != REBASE_GONE)
      put(d->accounts[places[i]], &d->trees[places[i]], c->key, value_int(c->n));
  return !fails;
}

static bool close_draft(void *draft, RebaseTree *trees) {
  Draft *d = draft;
  for (size_t i = 0; i < d->count; i++) {
    if (!trees) {
      value_release(d->trees[i]);
      continue;
    }
    value_release(trees[i].value);
    trees[i].value = d->trees[i];
  }
  free(d);
  return true;
}

static void on_changed(void *target) {
  ((Base *)target)->told++;
}

static void on_slice(void *ctx) {
  ((World *)ctx)->slices++;
}

static void forget(void *entry) {
  ((Change *)entry)->world->forgotten++;
  free(entry);
}

static const RebaseOps ops = {base_of,    open_draft, apply_change, close_draft,
                              on_changed, on_slice,   forget};

static void set_base(Base *b, Value value) {
  Value gone = b->value;
  b->value = value;
  value_release(gone);
}

static void begin(World *w, Base *bases, size_t count, double slice) {
  *w = (World){.bases = bases, .count = count};
  w->rebase = rebase_new(&ops, w, slice);
  for (size_t i = 0; i < count; i++) {
    bases[i] = (Base){.world = w, .account = value_account_new(0)};
    bases[i].value = value_object(bases[i].account);
    put(bases[i].account, &bases[i].value, "n", value_int(1));
    put(bases[i].account, &bases[i].value, "rows",
        value_array(bases[i].account, NULL, 0));
    bases[i].target = rebase_target_new(w->rebase, bases[i].account, &bases[i]);
  }
}

static void end(World *w) {
  for (size_t i = 0; i < w->count; i++) {
    Base *b = &w->bases[i];
    if (b->target) rebase_target_free(b->target);
    value_release(b->value);
    value_account_close(b->account);
  }
  rebase_free(w->rebase);
}

static char me = 'm', other = 'o';

static RebaseEntry *add_for(Base *b, char *owner, char what, const char *key, int n) {
  Change *c = xcalloc(1, sizeof *c);
  *c = (Change){.world = b->world, .what = what, .n = n};
  snprintf(c->key, sizeof c->key, "%s", key);
  return rebase_add(b->world->rebase, c, owner, &b->target, 1);
}

static RebaseEntry *add(Base *b, char what, const char *key, int n) {
  return add_for(b, &me, what, key, n);
}

static RebaseEntry *add_both(Base *a, Base *b, const char *key, int n) {
  Change *c = xcalloc(1, sizeof *c);
  *c = (Change){.world = a->world, .what = '2', .n = n};
  snprintf(c->key, sizeof c->key, "%s", key);
  return rebase_add(a->world->rebase, c, &me, (RebaseTarget *[]){a->target, b->target},
                    2);
}

static Value shown(Base *b) {
  return rebase_shown(b->target);
}

/* The ids of the shown rows, as "1,2,3". */
static const char *ids(Base *b) {
  static char text[4000];
  Value list = value_object_get(shown(b), "rows", 4);
  size_t at = 0;
  text[0] = 0;
  for (size_t i = 0; i < value_count(list); i++)
    at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", i ? "," : "",
                           (int)number(value_array_at(list, i), "id"));
  return text;
}

static Value shown_row(Base *b, size_t at) {
  return value_array_at(value_object_get(shown(b), "rows", 4), at);
}

/* Its own row, as the server would send it. */
static void base_row(Base *b, int id) {
  Value root = value_retain(b->value);
  add_row(b->account, &root, id);
  set_base(b, root);
}

/* --- what is shown ---------------------------------------------------------------- */

static void without_entries_the_base_is_shown(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  assert_true(value_same(shown(&b), b.value));
  base_row(&b, 1);
  assert_true(value_same(shown(&b), b.value));
  assert_true(rebase_is_idle(b.target));
  assert_int_equal(w.opened, 0);
  end(&w);
}

static void entries_are_applied_in_order_in_one_draft(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  add(&b, 'k', "n", 5);
  add(&b, '*', "n", 0);
  add(&b, '+', "", 7);
  assert_int_equal(number(shown(&b), "n"), 10);
  assert_string_equal(ids(&b), "7");
  assert_int_equal(number(b.value, "n"), 1);
  assert_int_equal(w.opened, 1);
  assert_int_equal(w.applied, 3);
  assert_int_equal(rebase_count(b.target), 3);
  end(&w);
  assert_int_equal(w.forgotten, 3);
}

static void looking_again_applies_nothing(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  add(&b, '+', "", 1);
  Value first = shown(&b);
  assert_true(value_same(first, shown(&b)));
  assert_int_equal(w.applied, 1);
  end(&w);
}

static void what_is_added_is_applied_to_what_is_shown(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  for (int i = 1; i <= 50; i++) {
    add(&b, '+', "", i);
    shown(&b);
  }
  assert_int_equal(w.applied, 50);
  assert_int_equal(value_count(value_object_get(shown(&b), "rows", 4)), 50);
  end(&w);
}

static void a_new_base_has_all_of_them_again(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  add(&b, '*', "n", 0);
  add(&b, '+', "", 9);
  shown(&b);
  for (int i = 0; i < 10; i++) base_row(&b, i + 1);
  Value root = value_retain(b.value);
  put(b.account, &root, "n", value_int(21));
  set_base(&b, root);
  w.applied = 0;
  assert_int_equal(number(shown(&b), "n"), 42);
  assert_string_equal(ids(&b), "1,2,3,4,5,6,7,8,9,10,9");
  assert_int_equal(w.applied, 2); /* however often the base was replaced */
  end(&w);
}

static void one_in_the_middle_goes_alone(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  RebaseEntry *e[5];
  for (int i = 0; i < 5; i++) e[i] = add(&b, '+', "", i + 1);
  shown(&b);
  rebase_remove(e[2]);
  assert_string_equal(ids(&b), "1,2,4,5");
  rebase_remove(e[0]);
  rebase_remove(e[4]);
  assert_string_equal(ids(&b), "2,4");
  rebase_remove(e[1]);
  rebase_remove(e[3]);
  assert_true(value_same(shown(&b), b.value));
  assert_true(rebase_is_idle(b.target));
  assert_int_equal(w.forgotten, 5);
  end(&w);
}

static void one_that_was_never_shown_goes_without_a_trace(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  add(&b, '+', "", 1);
  shown(&b);
  RebaseEntry *e = add(&b, '+', "", 2);
  rebase_remove(e);
  assert_string_equal(ids(&b), "1");
  assert_int_equal(w.applied, 1);
  end(&w);
}

static void what_an_entry_says_may_change_in_its_place(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  add(&b, '+', "", 1);
  RebaseEntry *e = add(&b, '+', "", 2);
  add(&b, '+', "", 3);
  assert_string_equal(ids(&b), "1,2,3");
  ((Change *)rebase_entry_object(e))->n = 20;
  rebase_touch(e);
  assert_string_equal(ids(&b), "1,20,3");
  end(&w);
}

/* --- failing ---------------------------------------------------------------------- */

static void one_that_fails_leaves_no_trace(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  add(&b, '+', "", 1);
  RebaseEntry *bad = add(&b, '!', "", 2);
  add(&b, '+', "", 3);
  assert_string_equal(ids(&b), "1,3");
  w.applied = 0;
  base_row(&b, 10);
  assert_string_equal(ids(&b), "10,1,3");
  assert_int_equal(w.applied, 3); /* it has a draft of its own now */
  rebase_remove(bad);
  assert_string_equal(ids(&b), "10,1,3");
  end(&w);
}

static void the_first_and_the_last_may_fail_and_all(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  RebaseEntry *only = add(&b, '!', "", 1);
  assert_string_equal(ids(&b), "");
  assert_true(value_same(shown(&b), b.value));
  add(&b, '+', "", 2);
  add(&b, '!', "", 3);
  assert_string_equal(ids(&b), "2");
  rebase_remove(only);
  assert_string_equal(ids(&b), "2");
  for (int i = 0; i < 20; i++) add(&b, '!', "", 4);
  assert_string_equal(ids(&b), "2");
  end(&w);
}

/* It fails now and then: whatever is shown is made of whole changes. */
static void one_that_fails_once_is_shown_again(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  add(&b, '+', "", 1);
  ((Change *)rebase_entry_object(add(&b, '+', "", 2)))->fails_at = 1;
  ((Change *)rebase_entry_object(add(&b, '+', "", 3)))->fails_at = 2;
  base_row(&b, 9);
  shown(&b);
  base_row(&b, 8);
  assert_string_equal(ids(&b), "9,8,1,2,3");
  end(&w);
}

static void entries_of_an_owner_who_is_not_there_wait(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  add_for(&b, &me, '+', "", 1);
  add_for(&b, &other, '+', "", 2);
  add_for(&b, &me, '+', "", 3);
  w.deaf = 'o';
  assert_string_equal(ids(&b), "1,3");
  w.deaf = 0;
  assert_string_equal(ids(&b), "1,3");
  rebase_renew(w.rebase);
  assert_int_equal(b.told, 1);
  assert_string_equal(ids(&b), "1,2,3");
  end(&w);
}

/* --- the same nodes --------------------------------------------------------------- */

static void what_is_equal_stays_the_same_node(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  for (int i = 1; i <= 40; i++) base_row(&b, i);
  for (int i = 41; i <= 80; i++) add(&b, '+', "", i);
  Value rows[80];
  for (size_t i = 0; i < 80; i++) rows[i] = value_retain(shown_row(&b, i));
  Value list = value_retain(value_object_get(shown(&b), "rows", 4));
  Value root = value_retain(b.value);
  put(b.account, &root, "n", value_int(2));
  set_base(&b, root);
  assert_int_equal(number(shown(&b), "n"), 2);
  assert_true(value_same(list, value_object_get(shown(&b), "rows", 4)));
  for (size_t i = 0; i < 80; i++) assert_true(value_same(rows[i], shown_row(&b, i)));
  for (size_t i = 0; i < 80; i++) value_release(rows[i]);
  value_release(list);
  end(&w);
}

static void a_base_that_has_the_effect_changes_nothing(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  RebaseEntry *e = add(&b, 'k', "n", 5);
  Value before = value_retain(shown(&b));
  Value root = value_retain(b.value);
  put(b.account, &root, "n", value_int(5));
  set_base(&b, root);
  rebase_remove(e);
  assert_true(value_same(before, shown(&b))); /* though the base has nodes of its own */
  root = value_retain(b.value);
  put(b.account, &root, "n", value_int(6));
  set_base(&b, root);
  assert_int_equal(number(shown(&b), "n"), 6);
  value_release(before);
  end(&w);
}

static void what_was_made_in_the_base_already_is_not_applied_again(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  RebaseEntry *e = add(&b, '+', "", 1);
  for (int i = 2; i <= 100; i++) add(&b, '+', "", i);
  assert_false(rebase_can_absorb(e));
  Value before = value_retain(shown(&b));
  assert_true(rebase_can_absorb(e));
  w.applied = 0;
  base_row(&b, 1);
  rebase_absorb(e);
  assert_true(value_same(before, shown(&b)));
  assert_int_equal(w.applied, 0);
  base_row(&b, 200);
  shown(&b);
  assert_int_equal(w.applied, 99);
  value_release(before);
  end(&w);
}

/* --- bases that come and go ------------------------------------------------------- */

static void without_a_base_nothing_is_made(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 1);
  Value kept = value_retain(b.value);
  set_base(&b, (Value){0});
  add(&b, '+', "", 1);
  assert_int_equal(shown(&b).type, VALUE_ABSENT);
  set_base(&b, kept);
  assert_string_equal(ids(&b), "1");
  set_base(&b, (Value){0});
  assert_int_equal(shown(&b).type, VALUE_ABSENT);
  end(&w);
}

static void a_target_goes_while_entries_are_pending(void **state) {
  (void)state;
  World w;
  Base b[2];
  begin(&w, b, 2, 1);
  add(&b[0], '+', "", 1);
  add_both(&b[0], &b[1], "k", 5);
  add(&b[1], '+', "", 2);
  shown(&b[1]);
  rebase_target_free(b[0].target);
  b[0].target = NULL;
  assert_int_equal(w.forgotten, 1); /* the one that had no other target */
  assert_int_equal(number(shown(&b[1]), "k"), 5);
  assert_string_equal(ids(&b[1]), "2");
  end(&w);
}

static void a_group_is_brought_up_to_date_together(void **state) {
  (void)state;
  World w;
  Base b[3];
  begin(&w, b, 3, 1);
  add(&b[2], 'k', "n", 1);
  RebaseEntry *e = add_both(&b[0], &b[1], "k", 5);
  add(&b[1], '*', "k", 0);
  assert_int_equal(number(shown(&b[0]), "k"), 5);
  assert_int_equal(b[1].told, 1);
  assert_int_equal(b[2].told, 0);
  w.applied = 0;
  assert_int_equal(number(shown(&b[1]), "k"), 10);
  assert_int_equal(w.applied, 0);
  rebase_remove(e);
  assert_int_equal(number(shown(&b[1]), "k"), -2);
  assert_int_equal(number(shown(&b[0]), "k"), -1);
  end(&w);
}

/* --- slices ----------------------------------------------------------------------- */

static void a_long_one_goes_on_in_slices(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 0.001);
  add(&b, '+', "", 1);
  Value first = value_retain(shown(&b));
  w.slow = 0.0002;
  for (int i = 2; i <= 100; i++) add(&b, '+', "", i);
  assert_true(value_same(first, shown(&b)));
  assert_int_equal(w.slices, 1);
  assert_true(rebase_behind(b.target) > 50);
  int slices = 0;
  for (; rebase_behind(b.target); slices++) {
    assert_true(value_same(first, shown(&b)));
    rebase_go_on(w.rebase);
  }
  assert_true(slices > 5);
  assert_int_equal(w.slices, slices); /* asked for once for each */
  assert_int_equal(b.told, 1);
  assert_int_equal(value_count(value_object_get(shown(&b), "rows", 4)), 100);
  assert_int_equal(w.applied, 100);
  value_release(first);
  end(&w);
}

static void finish(World *w) {
  for (int i = 0; w->slices && i < 10000; i++) {
    w->slices = 0;
    rebase_go_on(w->rebase);
    for (size_t k = 0; k < w->count; k++)
      if (w->bases[k].target) shown(&w->bases[k]);
  }
}

/* Bases, entries and removals come while slices are to come: it ends all the same, and
 * another one follows. */
static void what_comes_meanwhile_is_shown_in_the_end(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 0.0005);
  w.slow = 0.0001;
  RebaseEntry *e[100];
  for (int i = 0; i < 100; i++) e[i] = add(&b, '+', "", i);
  shown(&b);
  assert_true(rebase_behind(b.target) > 0);
  rebase_remove(e[0]);
  rebase_remove(e[50]);
  rebase_remove(e[99]);
  base_row(&b, 1000);
  add(&b, '+', "", 1001);
  shown(&b);
  finish(&w);
  char wanted[4000] = "1000";
  for (int i = 1, at = 4; i < 99; i++)
    if (i != 50) at += sprintf(wanted + at, ",%d", i);
  strcat(wanted, ",1001");
  assert_string_equal(ids(&b), wanted);
  assert_int_equal(w.forgotten, 3);
  end(&w);
}

static void a_base_that_always_changes_does_not_starve_it(void **state) {
  (void)state;
  World w;
  Base b;
  begin(&w, &b, 1, 0.0005);
  w.slow = 0.0001;
  for (int i = 0; i < 100; i++) add(&b, '+', "", i);
  int others = 0;
  Value last = value_retain(shown(&b));
  for (int i = 0; i < 100; i++) {
    base_row(&b, 1000 + i);
    rebase_go_on(w.rebase);
    Value now = shown(&b);
    others += !value_same(last, now);
    value_release(last);
    last = value_retain(now);
  }
  assert_true(others >= 2);
  value_release(last);
  end(&w);
}

static void it_may_be_torn_down_between_slices(void **state) {
  (void)state;
  for (int what = 0; what < 4; what++) {
    World w;
    Base b[2];
    begin(&w, b, 2, 0.0005);
    w.slow = 0.0001;
    add_both(&b[0], &b[1], "k", 1);
    RebaseEntry *e[60];
    for (int i = 0; i < 60; i++) e[i] = add(&b[i % 2], '+', "", i);
    shown(&b[0]);
    assert_true(rebase_behind(b[1].target) > 0);
    if (what == 0) {
      rebase_target_free(b[0].target);
      b[0].target = NULL;
      w.slow = 0;
      shown(&b[1]);
      finish(&w);
      assert_int_equal(number(shown(&b[1]), "k"), 1);
    } else if (what == 1) {
      for (int i = 0; i < 60; i++) rebase_remove(e[i]);
      finish(&w);
      assert_string_equal(ids(&b[0]), "");
    } else if (what == 2) {
      rebase_renew(w.rebase);
      w.slow = 0;
      assert_int_equal(number(shown(&b[1]), "k"), 1);
    }
    end(&w);
  }
}

/* --- over a store ----------------------------------------------------------------- */

/* Commits, reset and undo work on the base. */
static void reset_and_undo_are_of_the_base(void **state) {
  (void)state;
  World w;
  Base b;
  Error err;
  begin(&w, &b, 1, 1);
  b.store = store_new(&(StoreLimits){0}, NULL);
  Value root = value_object(store_account(b.store));
  put(store_account(b.store), &root, "n", value_int(3));
  store_commit(b.store, root, "test", "set");
  add(&b, '*', "n", 0);
  assert_int_equal(number(shown(&b), "n"), 6);
  root = value_retain(store_root(b.store));
  put(store_account(b.store), &root, "n", value_int(10));
  store_commit(b.store, root, "test", "set");
  assert_int_equal(number(shown(&b), "n"), 20);
  assert_int_equal(store_history_count(b.store), 2);
  assert_int_equal(store_undo(b.store, 1, "test", &err), 0);
  assert_int_equal(number(store_root(b.store), "n"), 3);
  assert_int_equal(number(shown(&b), "n"), 6);
  store_reset(b.store, "test");
  assert_int_equal(number(store_root(b.store), "n"), -1);
  assert_int_equal(number(shown(&b), "n"), -2);
  size_t bytes = store_history_at(b.store, 0)->bytes;
  assert_true(bytes < 4000);
  rebase_target_free(b.target);
  b.target = NULL;
  store_free(b.store);
  b.store = NULL;
  end(&w);
}

/* --- at random -------------------------------------------------------------------- */

/* Whatever happens in whatever order: in the end shown = base + pending. */
static void at_random_it_is_what_a_plain_fold_gives(void **state) {
  (void)state;
  srand(7);
  for (int game = 0; game < 200; game++) {
    World w;
    Base b[2];
    begin(&w, b, 2, game % 2 ? 1 : 0);
    RebaseEntry *live[MOST];
    size_t count = 0;
    for (int step = 0; step < 60; step++) {
      Base *at = &b[rand() % 2];
      switch (rand() % 7) {
      case 0:
        base_row(at, step);
        break;
      case 1:
        if (count) {
          size_t i = (size_t)rand() % count;
          rebase_remove(live[i]);
          memmove(&live[i], &live[i + 1], (--count - i) * sizeof *live);
        }
        break;
      case 2:
        live[count++] = add_both(&b[0], &b[1], "n", step);
        break;
      case 3:
        live[count++] = add(at, rand() % 3 ? '*' : '!', "n", step);
        break;
      case 4:
        rebase_go_on(w.rebase);
        break;
      case 5:
        shown(at);
        break;
      default:
        live[count++] = add(at, '+', "", 100 + step);
      }
    }
    w.slices = 1;
    finish(&w);
    for (int k = 0; k < 2; k++) {
      Draft *plain = open_draft(
          &w, &me, (RebaseTree[]){{b[0].account, b[0].value}, {b[1].account, b[1].value}},
          2);
      for (size_t i = 0; i < count; i++) {
        const Change *c = rebase_entry_object(live[i]);
        size_t places[2] = {rebase_entry_target(live[i], 0) == b[0].target ? 0 : 1, 1};
        if (c->what != '!')
          apply_change(plain, rebase_entry_object(live[i]), places,
                       rebase_entry_targets(live[i]));
      }
      assert_true(value_equal(plain->trees[k], shown(&b[k])));
      close_draft(plain, NULL);
    }
    end(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_entries_the_base_is_shown),
      cmocka_unit_test(entries_are_applied_in_order_in_one_draft),
      cmocka_unit_test(looking_again_applies_nothing),
      cmocka_unit_test(what_is_added_is_applied_to_what_is_shown),
      cmocka_unit_test(a_new_base_has_all_of_them_again),
      cmocka_unit_test(one_in_the_middle_goes_alone),
      cmocka_unit_test(one_that_was_never_shown_goes_without_a_trace),
      cmocka_unit_test(what_an_entry_says_may_change_in_its_place),
      cmocka_unit_test(one_that_fails_leaves_no_trace),
      cmocka_unit_test(the_first_and_the_last_may_fail_and_all),
      cmocka_unit_test(one_that_fails_once_is_shown_again),
      cmocka_unit_test(entries_of_an_owner_who_is_not_there_wait),
      cmocka_unit_test(what_is_equal_stays_the_same_node),
      cmocka_unit_test(a_base_that_has_the_effect_changes_nothing),
      cmocka_unit_test(what_was_made_in_the_base_already_is_not_applied_again),
      cmocka_unit_test(without_a_base_nothing_is_made),
      cmocka_unit_test(a_target_goes_while_entries_are_pending),
      cmocka_unit_test(a_group_is_brought_up_to_date_together),
      cmocka_unit_test(a_long_one_goes_on_in_slices),
      cmocka_unit_test(what_comes_meanwhile_is_shown_in_the_end),
      cmocka_unit_test(a_base_that_always_changes_does_not_starve_it),
      cmocka_unit_test(it_may_be_torn_down_between_slices),
      cmocka_unit_test(reset_and_undo_are_of_the_base),
      cmocka_unit_test(at_random_it_is_what_a_plain_fold_gives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
