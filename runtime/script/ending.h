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
  ENDING_SAVING,  /* what is to be kept is handed to the disk's thread */
  ENDING_CLOSING, /* that is done; goodbyes are said, and memory is let go of */
  ENDING_CLOSED   /* the runtime is gone; what is printed may still be unread */
} EndingPhase;

typedef struct Ending {
  double timeout;        /* seconds; 0: STOP_TIMEOUT */
  _Atomic double asked;  /* when, monotonic seconds; 0: it was not */
  atomic_bool signalled; /* by a signal: then printing that nobody reads is dropped */
  atomic_bool begun;     /* `stop` handlers have */
  atomic_size_t unsaved; /* jobs that wait to be written to the disk */
  atomic_bool dropped;   /* somebody sees to it that what nobody read is dropped */
  _Atomic EndingPhase phase;
  atomic_int status; /* of the process, when no signal ends it */
  /* Called when it is asked for, by whoever does; may be NULL. */
  void (*asked_now)(void *ctx);
  void *ctx;
} Ending;

/* Asks for the end, now; only the first time counts. */
void ending_ask(Ending *e);
bool ending_asked(const Ending *e);
/* Monotonic seconds, once it was asked for. */
double ending_scripts_due(const Ending *e); /* until when scripts may run */
double ending_due(const Ending *e);         /* until when all but the disk has time */
double ending_left(const Ending *e);        /* seconds until then; 0 at least */
bool ending_scripts_over(const Ending *e);  /* it was asked for, and their time is over */

/* At the end of the time the thread of signals and main both may end the process: true
 * for the one that does. */
bool ending_take(Ending *e);

#endif
