/* Targets and entries: see rebase.h. */
#include "data/rebase.h"

#include <stdlib.h>

#include "data/rebase_run.h"

Rebase *rebase_new(const RebaseOps *ops, void *ctx, double slice) {
  Rebase *rebase = xcalloc(1, sizeof *rebase);
  rebase->ops = ops;
  rebase->ctx = ctx;
  rebase->slice = slice;
  return rebase;
}

void rebase_free(Rebase *rebase) {
  CHECK(!rebase->targets && !rebase->runs);
  free(rebase);
}

void rebase_each(Rebase *rebase, void (*fn)(void *target)) {
  for (RebaseTarget *t = rebase->targets; t; t = t->next) fn(t->object);
}

void rebase_renew(Rebase *rebase) {
  rebase->epoch++;
  while (rebase->runs) rebase_run_cancel(rebase->runs);
  for (RebaseTarget *t = rebase->targets; t; t = t->next)
    if (t->active) rebase->ops->changed(t->object);
}

void rebase_go_on(Rebase *rebase) {
  rebase_run_next(rebase);
}

/* --- targets ---------------------------------------------------------------------- */

RebaseTarget *rebase_target_new(Rebase *rebase, ValueAccount *account, void *object) {
  RebaseTarget *t = xcalloc(1, sizeof *t);
  t->rebase = rebase;
  t->account = account;
  t->object = object;
  t->at = &rebase->targets;
  t->next = rebase->targets;
  if (t->next) t->next->at = &t->next;
  rebase->targets = t;
  return t;
}

static void unlink_entry(RebaseLink *link) {
  RebaseTarget *t = link->target;
  if (t->fresh == link) t->fresh = link->next;
  if (link->prev) link->prev->next = link->next;
  else t->first = link->next;
  if (link->next) link->next->prev = link->prev;
  else t->last = link->prev;
  t->count--;
  link->target = NULL;
  link->entry->living--;
}

/* The entry's other targets may look different now. */
static void drop_link(RebaseLink *link) {
  RebaseEntry *entry = link->entry;
  unlink_entry(link);
  if (entry->living) rebase_touch(entry);
  else rebase_remove(entry);
}

void rebase_target_free(RebaseTarget *t) {
  if (t->run) rebase_run_cancel(t->run);
  while (t->first) drop_link(t->first);
  *t->at = t->next;
  if (t->next) t->next->at = t->at;
  value_release(t->base);
  value_release(t->shown);
  free(t);
}

Value rebase_shown(RebaseTarget *t) {
  if (!t->active) return t->rebase->ops->base(t->object);
  if (!t->run && (t->fresh || !rebase_is_clean(t))) rebase_run(t);
  return t->active ? t->shown : t->rebase->ops->base(t->object);
}

void *rebase_target_object(const RebaseTarget *t) {
  return t->object;
}

bool rebase_is_idle(const RebaseTarget *t) {
  return !t->active;
}

size_t rebase_behind(const RebaseTarget *t) {
  return rebase_run_left(t);
}

size_t rebase_count(const RebaseTarget *t) {
  return t->count;
}

/* --- entries ---------------------------------------------------------------------- */

/* It has shown its base so far. */
static void activate_target(RebaseTarget *t) {
  if (t->active) return;
  t->active = true;
  t->base = value_retain(t->rebase->ops->base(t->object));
  t->shown = value_retain(t->base);
  t->epoch = t->rebase->epoch;
}

static void append_link(RebaseLink *link, RebaseEntry *entry, RebaseTarget *t) {
  *link = (RebaseLink){.entry = entry, .target = t, .prev = t->last};
  activate_target(t);
  if (t->last) t->last->next = link;
  else t->first = link;
  t->last = link;
  if (!t->fresh) t->fresh = link;
  t->count++;
}

RebaseEntry *rebase_add(Rebase *rebase, void *object, void *owner,
                        RebaseTarget *const *targets, size_t count) {
  RebaseEntry *entry = xcalloc(1, sizeof *entry + count * sizeof entry->links[0]);
  entry->rebase = rebase;
  entry->object = object;
  entry->owner = owner;
  entry->order = ++rebase->order;
  entry->count = entry->living = count;
  for (size_t i = 0; i < count; i++) append_link(&entry->links[i], entry, targets[i]);
  return entry;
}

void *rebase_entry_object(const RebaseEntry *entry) {
  return entry->object;
}

size_t rebase_entry_targets(const RebaseEntry *entry) {
  return entry->count;
}

RebaseTarget *rebase_entry_target(const RebaseEntry *entry, size_t index) {
  return entry->links[index].target;
}

/* Whether what the target shows does not have the entry yet. */
static bool is_fresh(const RebaseLink *link) {
  const RebaseLink *fresh = link->target->fresh;
  return fresh && link->entry->order >= fresh->entry->order;
}

void rebase_touch(RebaseEntry *entry) {
  for (size_t i = 0; i < entry->count; i++) {
    const RebaseLink *link = &entry->links[i];
    if (link->target && !is_fresh(link)) link->target->stale = true;
  }
}

static void free_gone(RebaseEntry *entry) {
  entry->gone = true;
  rebase_entry_release(entry);
}

void rebase_remove(RebaseEntry *entry) {
  rebase_touch(entry);
  for (size_t i = 0; i < entry->count; i++)
    if (entry->links[i].target) unlink_entry(&entry->links[i]);
  free_gone(entry);
}

bool rebase_can_absorb(const RebaseEntry *entry) {
  for (size_t i = 0; i < entry->count; i++) {
    const RebaseTarget *t = entry->links[i].target;
    if (!t || t->first != &entry->links[i] || t->fresh == t->first || t->run ||
        !rebase_is_clean(t))
      return false;
  }
  return !entry->failed;
}

void rebase_absorb(RebaseEntry *entry) {
  for (size_t i = 0; i < entry->count; i++) {
    RebaseTarget *t = entry->links[i].target;
    Value gone = t->base;
    t->base = value_retain(t->rebase->ops->base(t->object));
    value_release(gone);
    unlink_entry(&entry->links[i]);
    rebase_set_idle(t);
  }
  free_gone(entry);
}
