/* The outbox of a script (data/outbox.h) as a resource: it lives across generations, and
 * runs what sends its entries. What an entry means stands in Lua, in stdlib/outbox.lua.
 *
 * - For the first entry of each lane that is ready the function OUTBOX_RUN of the current
 *   generation runs, in a task of the core's that no reload cuts. No other generation
 *   starts that entry meanwhile.
 * - What it returns, plain data, goes to OUTBOX_ENDED of the generation that is current
 *   then, which decides what becomes of the entry. A task that did not end well gives
 * nil.
 * - At the end of the process a send that is under way is waited for; what was not
 *   answered is UNKNOWN at the next start. */
#ifndef TIDELOCK_RESOURCE_OUTBOX_H
#define TIDELOCK_RESOURCE_OUTBOX_H

#include "data/outbox.h"
#include "resource/resources.h"

extern const ResourceKind outbox_kind; /* no options */
/* declaration->functions: run(seq) → outcome, ended(seq, outcome), begin(): its
 * generation is live, and nothing has run */
enum { OUTBOX_RUN, OUTBOX_ENDED, OUTBOX_BEGIN, OUTBOX_FUNCTIONS };
#define OUTBOX_NAME "outbox" /* of the one resource of a script */

Outbox *outbox_of(const Declaration *decl); /* NULL: not there; borrows */
/* The entry that this task, or the one that spawned it, sends; NULL: none. */
OutboxEntry *outbox_sent_by(const Declaration *decl, const Task *task);
/* Whether a run for the lane of this entry is under way. */
bool outbox_runs(const Declaration *decl, const OutboxEntry *entry);
bool outboxes_busy(const Host *host); /* something is being sent, by any script */

#endif
