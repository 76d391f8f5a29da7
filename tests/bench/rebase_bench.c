/* What pending changes cost: 100 of them over a base of 100,000 rows, inserted at the end
 * of a list or by id, after the base was replaced. Microseconds, the best of many rounds;
 * the parts of a round beside the whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/rebase.h"

enum { ROWS = 100000, ENTRIES = 100, ROUNDS = 200 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

typedef struct Bench {
  ValueAccount *account;
  Value base;
  bool by_id;
  RebaseTarget *target;
  Rebase *rebase;
} Bench;

static const char *id_of(int i) {
  static char text[40];
  snprintf(text, sizeof text, "8b0c6d1e-52f7-4c55-9f0e-%012d", i);
  return text;
}

static Value row_of(ValueAccount *a, int i, const char *status) {
  static const char words[] =
      "Ships in port are safe, but that is not what they are for.";
  ValueField fields[] = {{"id", 2, value_text(a, id_of(i), 36)},
                         {"session", 7, value_text(a, id_of(0), 36)},
                         {"sender", 6, value_text(a, "user", 4)},
                         {"content", 7, value_text(a, words, sizeof words - 1)},
                         {"at", 2, value_double(1700000000.5 + i)},
                         {"status", 6, value_text(a, status, strlen(status))}};
  return value_object_of(a, fields, COUNT_OF(fields));
}

static void put_row(const Bench *b, Value *rows, int i, const char *status) {
  Value row = row_of(b->account, i, status);
  int code = b->by_id ? value_object_set(b->account, rows, id_of(i), 36, row)
                      : value_array_insert(b->account, rows, value_count(*rows), row);
  CHECK(code == 0);
}

/* --- the functions of a rebase ----------------------------------------------------- */

static Value base_of(void *target) {
  return ((Bench *)target)->base;
}

typedef struct Draft {
  Bench *bench;
  Value root, rows;
} Draft;

/* The rows are taken out, so that the draft alone has them: as a script's draft does. */
static void *open_draft(void *ctx, void *owner, const RebaseTree *trees, size_t count) {
  (void)owner, (void)count;
  Draft *d = xcalloc(1, sizeof *d);
  d->bench = ctx;
  d->root = value_retain(trees[0].value);
  d->rows = value_retain(value_object_get(d->root, "rows", 4));
  return d;
}

static bool apply_entry(void *draft, void *entry, const size_t *places, size_t count) {
  (void)places, (void)count;
  Draft *d = draft;
  put_row(d->bench, &d->rows, *(int *)entry, "sending");
  return true;
}

static bool close_draft(void *draft, RebaseTree *trees) {
  Draft *d = draft;
  CHECK(trees && value_object_set(trees->account, &d->root, "rows", 4, d->rows) == 0);
  value_release(trees->value);
  trees->value = d->root;
  free(d);
  return true;
}

static void do_nothing(void *ctx) {
  (void)ctx;
}

static const RebaseOps ops = {base_of,    open_draft, apply_entry, close_draft,
                              do_nothing, do_nothing, free};

/* --- measuring --------------------------------------------------------------------- */

/* The server's new row comes; once for each round. */
static void change_base(Bench *b, int round) {
  Value root = value_retain(b->base);
  Value rows = value_retain(value_object_get(root, "rows", 4));
  put_row(b, &rows, round * 400 % ROWS, round % 2 ? "sent" : "read");
  CHECK(value_object_set(b->account, &root, "rows", 4, rows) == 0);
  value_release(b->base);
  b->base = root;
}

static void set_flag(Bench *b, int round) {
  Value root = value_retain(b->base);
  CHECK(value_object_set(b->account, &root, "n", 1, value_int(round)) == 0);
  value_release(b->base);
  b->base = root;
}

static void fill_base(Bench *b) {
  Value rows = b->by_id ? value_object(b->account) : value_array(b->account, NULL, 0);
  for (int i = 0; i < ROWS; i++) put_row(b, &rows, i, "sent");
  b->base = value_object(b->account);
  CHECK(value_object_set(b->account, &b->base, "rows", 4, rows) == 0);
}

static void add_entries(Bench *b) {
  for (int i = 0; i < ENTRIES; i++) {
    int *id = xmalloc(sizeof *id);
    *id = b->by_id ? i * (ROWS / ENTRIES) * 2 + 7 : ROWS + i;
    rebase_add(b->rebase, id, b, &b->target, 1);
  }
}

/* Without sharing and settling: what 100 changes in one draft cost alone. */
static double measure_draft(Bench *b) {
  double best = 1e9;
  for (int round = 0; round < ROUNDS; round++) {
    RebaseTree tree = {b->account, value_retain(b->base)};
    double from = now();
    Draft *d = open_draft(b, b, &tree, 1);
    for (int i = 0; i < ENTRIES; i++)
      apply_entry(d, &(int){b->by_id ? i * (ROWS / ENTRIES) * 2 + 7 : ROWS + i}, NULL, 1);
    close_draft(d, &tree);
    double took = now() - from;
    if (took < best) best = took;
    value_release(tree.value);
  }
  return best;
}

static double measure_rebase(Bench *b, void (*change)(Bench *b, int round)) {
  double best = 1e9;
  for (int round = 1; round <= ROUNDS; round++) {
    change(b, round);
    double from = now();
    rebase_shown(b->target);
    double took = now() - from;
    if (took < best) best = took;
    CHECK(rebase_behind(b->target) == 0);
  }
  return best;
}

static double measure_append(Bench *b) {
  double best = 1e9;
  for (int round = 1; round <= ROUNDS; round++) {
    int *id = xmalloc(sizeof *id);
    *id = 2 * ROWS + round;
    double from = now();
    RebaseEntry *entry = rebase_add(b->rebase, id, b, &b->target, 1);
    rebase_shown(b->target);
    double took = now() - from;
    if (took < best) best = took;
    rebase_remove(entry);
    rebase_shown(b->target);
  }
  return best;
}

static void row(const char *what, const char *how, double us) {
  printf("%-46s %-16s %8.1f us\n", what, how, us);
}

static void measure(bool by_id) {
  Bench b = {.account = value_account_new(0), .by_id = by_id};
  const char *how = by_id ? "by id" : "at the end";
  fill_base(&b);
  b.rebase = rebase_new(&ops, &b, 0.005);
  b.target = rebase_target_new(b.rebase, b.account, &b);
  row("100 changes of 100,000 rows in one draft", how, measure_draft(&b));
  add_entries(&b);
  rebase_shown(b.target);
  row("rebase of 100: another field was set", how, measure_rebase(&b, set_flag));
  row("rebase of 100: a row came or changed", how, measure_rebase(&b, change_base));
  row("one more pending beside 100", how, measure_append(&b));
  rebase_target_free(b.target);
  rebase_free(b.rebase);
  value_release(b.base);
  value_account_close(b.account);
}

int main(void) {
  measure(false);
  measure(true);
  return 0;
}
