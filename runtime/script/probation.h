/* Probation: a new generation whose on_start raises, or that fails 3 times in its first
 * 10 seconds, is replaced by its predecessor. probation.c decides and pushes an event;
 * rollback.c acts on it. The sources of the last good generation are kept in memory, and
 * loaded like any others: a transaction (transaction.c), so that named resources live on.
 * What the failing generation changed (keep, stores) stays; after a migration it is only
 * reported.
 *
 * A generation is good when it ran for longer than that, or was replaced before it failed
 * at all. One that was loaded again is on no probation: there is nothing behind it. */
#ifndef TIDELOCK_SCRIPT_PROBATION_H
#define TIDELOCK_SCRIPT_PROBATION_H

#include <stdbool.h>

typedef struct Script Script;
typedef struct Generation Generation;

/* The staged generation is about to take over. */
void probation_begin(Generation *gen);
/* Something of it raised, and nobody caught that. */
void probation_failed(Generation *gen, const char *why);
/* Its on_start raised; whether there is something to go back to. */
bool probation_start_failed(Generation *gen);
/* A load of the script has ended without taking over: a rollback that waited for its end
 * goes on. */
void probation_resume(Script *script);
/* Whether the staged generation, which failed to load, was the one to go back to. */
bool probation_good_lost(const Script *script);
void probation_free(Generation *gen);

#endif
