/* Probation: a new version whose on_start raises, or that fails 3 times in its first 10
 * seconds, is replaced by its predecessor. The sources of the last version that was good
 * are kept in memory, and loaded like any others: a transaction (transaction.c), so that
 * what has a name lives on. What the failing version changed (keep, stores) stays; after
 * a migration it is only told.
 *
 * Good is what ran for longer than that, or was replaced before it failed at all. A
 * version that was loaded again is on no probation: there is nothing behind it. */
#ifndef TIDELOCK_SCRIPT_PROBATION_H
#define TIDELOCK_SCRIPT_PROBATION_H

#include "script/script.h"

/* The staged generation is about to take over. */
void probation_begin(Generation *gen);
/* Something of it raised, and nobody caught that. */
void probation_failed(Generation *gen, const char *why);
/* Its on_start did; whether there is something to go back to. */
bool probation_start_failed(Generation *gen);
/* A load of the script has ended without taking over: what waited for it goes on. */
void probation_resume(Script *script);
/* The staged generation could not be loaded: says so if it was the one to go back to. */
void probation_lost(Script *script);
void probation_free(Generation *gen);

#endif
