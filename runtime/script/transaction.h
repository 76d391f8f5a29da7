/* One load, of one script or of several that share a changed file: it happens whole or
 * not at all. Loop thread only. */
#ifndef TIDELOCK_SCRIPT_TRANSACTION_H
#define TIDELOCK_SCRIPT_TRANSACTION_H

#include <stddef.h>

#include "sources/sources.h"

typedef struct Runtime Runtime;
typedef struct Script Script;

/* Begins to load the scripts from these sources, one for each, in the order in which the
 * scripts were added. Takes the sources and `shared`, the path that ties them (NULL: one
 * script alone); the lists are the caller's. */
void transaction_begin(Runtime *rt, Script *const *scripts, Sources *const *sources,
                       size_t count, char *shared);
/* Gives the load of the script that is under way up, with all scripts that are part of
 * it. Harmless when there is none. */
void transaction_give_up(Script *script);
/* The same for this script; the others are loaded anew without it. */
void transaction_leave(Script *script);

#endif
