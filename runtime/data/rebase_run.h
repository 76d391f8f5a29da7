/* One rebase of a group of targets: see rebase_run.c. */
#ifndef TIDELOCK_DATA_REBASE_RUN_H
#define TIDELOCK_DATA_REBASE_RUN_H

#include "data/rebase_parts.h"

/* Whether the base and the functions are those that the target's tree was made with. */
bool rebase_is_clean(const RebaseTarget *target);
/* Makes it idle where it has no entries and shows its base. */
void rebase_set_idle(RebaseTarget *target);
/* Brings the target's group up to date, or as far as one slice goes. */
void rebase_run(RebaseTarget *looked);
/* One slice of the first that waits for one. */
void rebase_run_next(Rebase *rebase);
/* Entries that the slices to come will apply. */
size_t rebase_run_left(const RebaseTarget *target);
/* Gives it up: its targets are stale. Frees it. */
void rebase_run_cancel(RebaseRun *run);
/* Frees the entry when it is gone and no run holds it. */
void rebase_entry_release(RebaseEntry *entry);

#endif
