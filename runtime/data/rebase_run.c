/* Applying entries: see rebase.h. A run holds a group: targets that share entries, these
 * entries in order, and a tree for each target, which begins as its base. A run that is
 * not over within a slice lives on in the list of its Rebase; entries that are removed
 * meanwhile stay in its list, those not yet applied are skipped. */
#include "data/rebase_run.h"

#include <stdlib.h>

#include "core/clock.h"

struct RebaseRun {
  Rebase *rebase;
  RebaseRun *next;
  RebaseEntry **entries;
  size_t count, room;
  size_t at; /* the next to apply */
  RebaseTarget **targets;
  RebaseTree *trees; /* of each target */
  Value *bases;      /* likewise, as they were when it began; owned */
  size_t *places;    /* room for those of one entry */
  size_t target_count, target_room;
  uint64_t epoch;
};

static bool same_tree(Value a, Value b) {
  return a.type == VALUE_ABSENT ? b.type == VALUE_ABSENT : value_same(a, b);
}

static void replace_value(Value *at, Value value) { /* takes it */
  Value gone = *at;
  *at = value;
  value_release(gone);
}

static Value base_of(const RebaseTarget *t) {
  return t->rebase->ops->base(t->object);
}

bool rebase_is_clean(const RebaseTarget *t) {
  return !t->stale && t->epoch == t->rebase->epoch && same_tree(t->base, base_of(t));
}

/* --- the group -------------------------------------------------------------------- */

static void add_target(RebaseRun *run, RebaseTarget *t) {
  if (t->mark == run->rebase->mark) return;
  t->mark = run->rebase->mark;
  if (run->target_count == run->target_room) {
    run->target_room = run->target_room ? 2 * run->target_room : 1;
    run->targets = xrealloc(run->targets, run->target_room * sizeof(RebaseTarget *));
  }
  run->targets[run->target_count++] = t;
}

static void add_entry(RebaseRun *run, RebaseEntry *e) {
  if (e->mark == run->rebase->mark) return;
  e->mark = run->rebase->mark;
  if (run->count == run->room) {
    run->room = run->room ? 2 * run->room : 16;
    run->entries = xrealloc(run->entries, run->room * sizeof(RebaseEntry *));
  }
  run->entries[run->count++] = e;
  for (size_t i = 0; i < e->count; i++)
    if (e->links[i].target) add_target(run, e->links[i].target);
}

static int compare_orders(const void *a, const void *b) {
  const RebaseEntry *x = *(RebaseEntry *const *)a, *y = *(RebaseEntry *const *)b;
  return (x->order > y->order) - (x->order < y->order);
}

/* The targets that share entries with `looked`, and with these, and so on. `fresh`: of
 * entries that are not shown yet. */
static void collect_group(RebaseRun *run, RebaseTarget *looked, bool fresh) {
  run->rebase->mark++;
  run->count = run->target_count = 0;
  add_target(run, looked);
  for (size_t i = 0; i < run->target_count; i++) {
    const RebaseTarget *t = run->targets[i];
    for (RebaseLink *l = fresh ? t->fresh : t->first; l; l = l->next)
      add_entry(run, l->entry);
  }
  if (run->target_count > 1)
    qsort(run->entries, run->count, sizeof *run->entries, compare_orders);
}

static bool is_group_clean(const RebaseRun *run) {
  for (size_t i = 0; i < run->target_count; i++)
    if (run->targets[i]->run || !rebase_is_clean(run->targets[i])) return false;
  return true;
}

static bool is_group_running(const RebaseRun *run) {
  for (size_t i = 0; i < run->target_count; i++)
    if (run->targets[i]->run) return true;
  return false;
}

static size_t most_targets(const RebaseRun *run) {
  size_t most = 0;
  for (size_t i = 0; i < run->count; i++)
    if (run->entries[i]->count > most) most = run->entries[i]->count;
  return most;
}

/* The trees begin as what is shown (`fresh`), or as the bases. */
static void take_trees(RebaseRun *run, bool fresh) {
  run->trees = xcalloc(run->target_count, sizeof *run->trees);
  run->bases = xcalloc(run->target_count, sizeof *run->bases);
  run->places = xcalloc(most_targets(run) + 1, sizeof *run->places);
  for (size_t i = 0; i < run->target_count; i++) {
    RebaseTarget *t = run->targets[i];
    run->bases[i] = value_retain(base_of(t));
    run->trees[i].account = t->account;
    run->trees[i].value = value_retain(fresh ? t->shown : run->bases[i]);
    t->place = i;
    t->run = run;
    t->stale = false;
    t->fresh = NULL;
  }
  for (size_t i = 0; i < run->count; i++) run->entries[i]->runs++;
}

void rebase_entry_release(RebaseEntry *e) {
  if (!e->gone || e->runs) return;
  e->rebase->ops->forget(e->object);
  free(e);
}

static void unlist_run(RebaseRun *run) {
  RebaseRun **at = &run->rebase->runs;
  while (*at && *at != run) at = &(*at)->next;
  if (*at) *at = run->next;
}

static void free_run(RebaseRun *run) {
  unlist_run(run);
  for (size_t i = 0; i < run->target_count; i++) {
    value_release(run->trees[i].value);
    value_release(run->bases[i]);
  }
  for (size_t i = 0; i < run->count; i++) {
    run->entries[i]->runs--;
    rebase_entry_release(run->entries[i]);
  }
  free(run->entries);
  free(run->targets);
  free(run->trees);
  free(run->bases);
  free(run->places);
  free(run);
}

/* NULL while a slice of the group is still to come: then it looks again at the end. */
static RebaseRun *begin_run(RebaseTarget *looked) {
  RebaseRun *run = xcalloc(1, sizeof *run);
  run->rebase = looked->rebase;
  run->epoch = run->rebase->epoch;
  collect_group(run, looked, true);
  bool fresh = is_group_clean(run);
  if (!fresh) collect_group(run, looked, false);
  if (!is_group_running(run)) {
    take_trees(run, fresh);
    return run;
  }
  run->count = run->target_count = 0;
  free_run(run);
  return NULL;
}

void rebase_run_cancel(RebaseRun *run) {
  for (size_t i = 0; i < run->target_count; i++) {
    run->targets[i]->run = NULL;
    run->targets[i]->stale = true;
  }
  free_run(run);
}

/* --- applying --------------------------------------------------------------------- */

static bool apply_entry(RebaseRun *run, void *draft, const RebaseEntry *e) {
  for (size_t i = 0; i < e->count; i++)
    run->places[i] = e->links[i].target ? e->links[i].target->place : REBASE_GONE;
  return run->rebase->ops->apply(draft, e->object, run->places, e->count);
}

static bool goes_on(const RebaseRun *run, const RebaseEntry *first, double until) {
  if (first->failed || run->at == run->count || clock_cpu() >= until) return false;
  const RebaseEntry *e = run->entries[run->at];
  return e->owner == first->owner && !e->failed && !e->gone;
}

/* The draft of the entries from `from` on was dropped: they are applied again, but for
 * the one at `at`, which failed: that gets a draft of its own. If it had that already it
 * is passed over. */
static void drop_failed(RebaseRun *run, size_t from) {
  run->entries[run->at]->failed = true;
  run->at = run->at == from ? from + 1 : from;
}

/* No memory for what they did together: each gets a draft of its own, or shows nothing.
 */
static void drop_all(RebaseRun *run, size_t from) {
  bool alone = run->at == from + 1;
  for (size_t i = from; i < run->at; i++) run->entries[i]->failed = true;
  if (!alone) run->at = from;
}

/* Entries that follow each other in one draft. */
static void apply_stretch(RebaseRun *run, double until) {
  const RebaseOps *ops = run->rebase->ops;
  size_t from = run->at;
  RebaseEntry *first = run->entries[from];
  void *draft = NULL;
  if (!first->gone)
    draft = ops->open(run->rebase->ctx, first->owner, run->trees, run->target_count);
  if (!draft) {
    run->at++;
    return;
  }
  do {
    if (!apply_entry(run, draft, run->entries[run->at])) {
      ops->close(draft, NULL);
      drop_failed(run, from);
      return;
    }
    run->at++;
  } while (goes_on(run, first, until));
  if (ops->close(draft, run->trees)) first->failed = false;
  else drop_all(run, from);
}

/* Whether all are applied. */
static bool apply_slice(RebaseRun *run) {
  double until = clock_cpu() + run->rebase->slice;
  while (run->at < run->count) {
    apply_stretch(run, until);
    if (run->at < run->count && clock_cpu() >= until) return false;
  }
  return true;
}

/* --- ending ----------------------------------------------------------------------- */

void rebase_set_idle(RebaseTarget *t) {
  if (t->count || t->run || !same_tree(t->shown, base_of(t))) return;
  replace_value(&t->base, (Value){0});
  replace_value(&t->shown, (Value){0});
  t->active = t->stale = false;
}

/* Takes the tree. Whether it is another than before. */
static bool show_tree(RebaseTarget *t, Value tree) {
  Value was = t->shown;
  if (tree.type != VALUE_ABSENT && was.type != VALUE_ABSENT)
    tree = value_settle(t->account, was, tree);
  bool other = !same_tree(was, tree);
  replace_value(&t->shown, tree);
  return other;
}

/* Those that wanted to be brought up to date while a slice was still to come. */
static void tell_waiting(Rebase *rebase) {
  for (RebaseTarget *t = rebase->targets; t; t = t->next)
    if (t->active && !t->run && (t->fresh || !rebase_is_clean(t)))
      rebase->ops->changed(t->object);
}

/* `looked`: who gets the tree at once; NULL: nobody. */
static void end_run(RebaseRun *run, const RebaseTarget *looked) {
  Rebase *rebase = run->rebase;
  for (size_t i = 0; i < run->target_count; i++) {
    RebaseTarget *t = run->targets[i];
    bool other = show_tree(t, run->trees[i].value);
    run->trees[i].value = (Value){0};
    replace_value(&t->base, run->bases[i]);
    run->bases[i] = (Value){0};
    t->epoch = run->epoch;
    t->run = NULL;
    if (other && t != looked) rebase->ops->changed(t->object);
    rebase_set_idle(t);
  }
  free_run(run);
  if (!looked) tell_waiting(rebase);
}

static void list_run(RebaseRun *run) {
  RebaseRun **at = &run->rebase->runs;
  while (*at) at = &(*at)->next;
  run->next = NULL;
  *at = run;
}

void rebase_run(RebaseTarget *looked) {
  Rebase *rebase = looked->rebase;
  RebaseRun *run = begin_run(looked);
  if (!run) return;
  if (apply_slice(run)) {
    end_run(run, looked);
    return;
  }
  bool first = !rebase->runs;
  list_run(run);
  if (first) rebase->ops->wants_slice(rebase->ctx);
}

void rebase_run_next(Rebase *rebase) {
  RebaseRun *run = rebase->runs;
  if (!run) return;
  unlist_run(run);
  if (apply_slice(run)) end_run(run, NULL);
  else list_run(run);
  if (rebase->runs) rebase->ops->wants_slice(rebase->ctx);
}

size_t rebase_run_left(const RebaseTarget *t) {
  return t->run ? t->run->count - t->run->at : 0;
}
