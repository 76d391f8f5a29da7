/* Asking for the end of the process, and what puts it off. The runtime answers the event
 * that runtime_exit pushes (runtime.c). Loop thread, unless said otherwise. */
#ifndef TIDELOCK_SCRIPT_EXIT_H
#define TIDELOCK_SCRIPT_EXIT_H

#include <stdbool.h>

typedef struct Runtime Runtime;

enum { STATUS_UNLOADED = 78 }; /* of a start: a script did not load (EX_CONFIG) */

/* Stops cleanly: `stop` handlers run, then the loop ends. Once it is called, a further
 * call only turns status 0 into its own. */
void runtime_exit(Runtime *rt, int code);
/* By a signal: stops cleanly with this status, in the time that is left. */
void runtime_interrupt(Runtime *rt, int status);
/* Whatever scripts do: from ending_scripts_due on no turn runs any longer. Any thread. */
void runtime_end_in_time(Runtime *rt);
/* Ends the program if standard output could not be written. */
void runtime_output_failed(Runtime *rt);
/* For so long the process does not end because nothing is left to wait for. */
void runtime_stay(Runtime *rt, double seconds);
/* Fills the reserve of memory again if it was used. That is logged, once, unless a load
 * that failed because of it was `reported`. */
void runtime_reserve(Runtime *rt, bool reported);

#endif
