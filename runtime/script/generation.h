/* A generation: one load of a script. It owns a Vm, the sources it was made from, and
 * what a script says of itself.
 *
 * Replaced, it retires: tasks in flight finish within the grace; what has not ended then
 * is cut: its waits raise RELOADED, and what has not ended by the turn after is reset. */
#ifndef TIDELOCK_SCRIPT_GENERATION_H
#define TIDELOCK_SCRIPT_GENERATION_H

#include "sources/sources.h"
#include "vm/vm.h"

typedef struct Script Script;
typedef struct Generation Generation;

Generation *generation_new(Script *script,
                           Sources *sources); /* takes sources; returns new */
Generation *generation_of(lua_State *L);      /* borrows */
/* Pushes the loaded top-level function of the script; 0, or ERR_SCRIPT with a syntax
 * error's text (file:line: what). */
int generation_load_main(Generation *gen, Error *err);
/* STAGING: from what it uses now on, what the top level may: less than a script that
 * runs, so that one which asks for ever more holds nobody up. */
void generation_limit_stage(Generation *gen);
void generation_start(Generation *gen); /* STAGING → LIVE: its timers are started */
/* Cancels what runs, severs all and closes the state on a worker thread. */
void generation_kill(Generation *gen);
void generation_cancel_tasks(Generation *gen); /* their waits raise CANCELLED */
/* From LIVE: timers stop, tasks may finish within the grace, then it is killed. */
void generation_retire(Generation *gen);
/* RETIRING: the grace is over. */
void generation_cut(Generation *gen);
/* --- what a script says of itself (lua/script.c) ------------------------------------ */

typedef enum GenFunction { ON_START, ON_STOP, ON_NOTICE, ON_MIGRATE } GenFunction;
enum { GEN_FUNCTIONS = ON_MIGRATE + 1 };

/* Where the reference of that function is, LUA_NOREF when it is not set; borrows. */
int *generation_function(Generation *gen, GenFunction which);
int generation_keep(const Generation *gen); /* the reference of script.keep */
void generation_set_grace(Generation *gen, double seconds);
void generation_set_probation(Generation *gen, bool wanted);
/* Of script.keep, with ON_MIGRATE; false: it was set before. */
bool generation_set_version(Generation *gen, int64_t version);

bool generation_has_work(const Generation *gen);

#endif
