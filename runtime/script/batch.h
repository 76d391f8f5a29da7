/* Loading what was saved, or is requested: which scripts load, and which of them
 * together. A load itself is a transaction (transaction.h). Loop thread only. */
#ifndef TIDELOCK_SCRIPT_BATCH_H
#define TIDELOCK_SCRIPT_BATCH_H

#include "loop/loop.h"
#include "sources/watch.h"

typedef struct Runtime Runtime;

/* Reads the sources of these scripts, and begins to load those that differ from what was
 * tried last, in what it used. Those that share a changed file are one transaction; other
 * scripts that such a transaction held back before come with them. */
void scripts_load(Runtime *rt, Script *const *changed, size_t count);
void script_load(Script *script); /* one alone */
/* Answers the requests of reload_request.h. */
void scripts_load_requested(Event *event);
/* Watches the folders of scripts from now on: a save loads. Returns new. */
Watch *scripts_watch(Runtime *rt);

#endif
