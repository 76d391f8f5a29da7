/* The end of the process, as the loop and the thread of signals both see it. From the
 * moment at which it is asked for, scripts, goodbyes and sends have `timeout` seconds; of
 * these the last (a half, where that is less) is kept for what is not scripts'. What is
 * queued for the disk is written then without a limit. Owned by main; any thread. */
#ifndef TIDELOCK_SCRIPT_ENDING_H
#define TIDELOCK_SCRIPT_ENDING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define STOP_TIMEOUT 3.0

typedef enum EndingPhase {
  ENDING_SCRIPTS, /* the loop runs, and with it scripts */
  ENDING_SAVING,  /* what is to be kept is handed over, and written */
  ENDING_SAVED    /* nothing is left but to let go of memory */
} EndingPhase;

typedef struct Ending {
  double timeout;        /* seconds; 0: STOP_TIMEOUT */
  _Atomic double asked;  /* when, monotonic seconds; 0: it was not */
  atomic_bool signalled; /* by a signal: then printing that nobody reads is dropped */
  atomic_size_t unsaved; /* jobs that wait to be written to the disk */
  _Atomic EndingPhase phase;
} Ending;

/* Asks for the end, now; only the first time counts. */
void ending_ask(Ending *e);
bool ending_asked(const Ending *e);
/* Monotonic seconds, once it was asked for. */
double ending_scripts_due(const Ending *e); /* until when scripts may run */
double ending_due(const Ending *e);         /* until when all but the disk has time */
double ending_left(const Ending *e);        /* seconds until then; 0 at least */

#endif
