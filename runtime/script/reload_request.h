/* Reloads that are requested: by script.reload(), by SIGHUP, for scripts whose load was
 * given up because of another. Unlike a save they read the sources anew and load them
 * also when nothing has changed. The requests are answered by batch.c, when the turn that
 * runs now is over; asking again until then is asking once. Loop thread only. */
#ifndef TIDELOCK_SCRIPT_RELOAD_REQUEST_H
#define TIDELOCK_SCRIPT_RELOAD_REQUEST_H

#include <stdbool.h>

typedef struct Runtime Runtime;
typedef struct Script Script;

void reload_ask(Script *script);
/* The script asks for itself: some loads a second, however often. False: it is a test. */
bool reload_ask_self(Script *script);
/* A load of the script is over: asks for the reload that it requested meanwhile. */
void reload_after_load(Script *script);
void reload_ask_all(Runtime *rt); /* all scripts of the runtime, as one batch */

#endif
