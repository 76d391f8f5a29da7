/* Pending changes, and what is shown: for each target, its base with all of its pending
 * changes (entries) applied in order. Loop thread only. Knows neither Lua nor stores: who
 * owns a target has its base, and how an entry is applied is a table of functions.
 *
 * - What is shown is brought up to date when somebody looks (rebase_shown), and only
 * where the base, the entries or the functions are others than at the last look. Entries
 * that were only added are applied to what was shown.
 * - An entry may change several targets: they are brought up to date together.
 * - Entries of one owner that follow each other share one draft. An entry that fails
 *   shows nothing and leaves no trace: its draft is dropped, the entries before it are
 *   applied again, and from then on it has a draft of its own.
 * - Parts that equal what was shown before stay the same nodes.
 * - A rebase that takes longer than `slice` goes on in rebase_go_on. Until it is over its
 *   targets show what they showed before. It ends over the base that it began with, even
 *   if that was replaced meanwhile: then another one follows. */
#ifndef TIDELOCK_DATA_REBASE_H
#define TIDELOCK_DATA_REBASE_H

#include "data/rebase_types.h"

/* Returns new; `slice` in seconds of processor time. */
Rebase *rebase_new(const RebaseOps *ops, void *ctx, double slice);
void rebase_free(Rebase *rebase); /* its targets must be gone */
/* The functions may be others: all that is shown is made anew at the next look. */
void rebase_renew(Rebase *rebase);
void rebase_go_on(Rebase *rebase); /* one slice of one rebase that is under way */
void rebase_each(Rebase *rebase, void (*fn)(void *target)); /* fn may look, not free */

/* Returns new; borrows the account and `object`, which the functions get. */
RebaseTarget *rebase_target_new(Rebase *rebase, ValueAccount *account, void *object);
/* Its entries stay, for their other targets; those without any go. */
void rebase_target_free(RebaseTarget *target);
void *rebase_target_object(const RebaseTarget *target);
/* What it shows now, borrowed until the next call: the base itself where it has no
 * entries. */
Value rebase_shown(RebaseTarget *target);
/* Without entries, and what it shows is the base: it may be freed. */
bool rebase_is_idle(const RebaseTarget *target);
size_t rebase_count(const RebaseTarget *target);  /* of entries */
size_t rebase_behind(const RebaseTarget *target); /* entries that a slice still applies */

/* Adds an entry behind all others; takes `object` (RebaseOps.forget), borrows `owner`. At
 * least one target, each once. Owned by the rebase until it is removed. */
RebaseEntry *rebase_add(Rebase *rebase, void *object, void *owner,
                        RebaseTarget *const *targets, size_t count);
void *rebase_entry_object(const RebaseEntry *entry);
size_t rebase_entry_targets(const RebaseEntry *entry);
RebaseTarget *rebase_entry_target(const RebaseEntry *entry,
                                  size_t index); /* NULL: gone */
void rebase_remove(RebaseEntry *entry);
/* Whether the entry is the first one of all its targets, and these are up to date. If so,
 * and the entry's change was made in all their bases since, exactly as applying it does,
 * rebase_absorb removes it without applying the others again. */
bool rebase_can_absorb(const RebaseEntry *entry);
void rebase_absorb(RebaseEntry *entry);
/* Its object says another thing now: it keeps its place. */
void rebase_touch(RebaseEntry *entry);

#endif
