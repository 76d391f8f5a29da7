/* What was tried last of a script, so that a save is loaded once: `seen`, `failed` and
 * `failed_hash` of Script. A load that failed is tried again when a file changes that it
 * used, or that the running generation uses. */
#ifndef TIDELOCK_SCRIPT_TRIED_H
#define TIDELOCK_SCRIPT_TRIED_H

#include <stdbool.h>

#include "sources/sources.h"

typedef struct Script Script;

/* Whether the running generation was made from the same, in all that it used. */
bool tried_is_running(const Script *script, const Sources *sources);
/* Whether the last load was made from the same, in all that counted then. */
bool tried_already(const Script *script, const Sources *sources);
/* The load of these sources has failed. */
void tried_failed(Script *script, const Sources *sources);
void tried_forget_failure(Script *script);

#endif
