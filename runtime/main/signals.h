/* Signals. A thread of their own waits for them, so that they work whatever the loop
 * does: SIGINT and SIGTERM end the process cleanly, a second one at once, SIGHUP reloads
 * the scripts (or ends the process, when our terminal was closed), SIGUSR1 opens the log
 * file anew. */
#ifndef TIDELOCK_MAIN_SIGNALS_H
#define TIDELOCK_MAIN_SIGNALS_H

#include "core/log.h"
#include "loop/output.h"
#include "script/ending.h"
#include "script/exit.h"
#include "script/runtime.h"

typedef struct Signals Signals;

/* Returns new. Call it before any other thread starts: threads inherit the blocked
 * signals. Borrows all. */
Signals *signals_new(Ending *ending, Log *log, Output *output);
void signals_free(Signals *s); /* the signals do what they did before */
/* The runtime that gets the signals, until it is detached; loop thread. */
void signals_attach(Signals *s, Runtime *rt);
void signals_detach(Signals *s);
/* The exit status where a signal ended the process; 0: none did. */
int signals_status(const Signals *s);

#endif
