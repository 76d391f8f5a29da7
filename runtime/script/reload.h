/* Reloads that are asked for: by script.reload(), by SIGHUP. Unlike a save they read the
 * sources anew and load them also when the content is what it was. Loop thread only. */
#ifndef TIDELOCK_SCRIPT_RELOAD_H
#define TIDELOCK_SCRIPT_RELOAD_H

#include "script/runtime.h"

/* Once the turn that runs now is over; asking again until then is asking once. */
void reload_ask(Script *script);
/* The script asks for itself: some loads a second, however often. False: it is a test. */
bool reload_ask_self(Script *script);
void reload_ask_all(Runtime *rt); /* all scripts of the runtime, as one batch */

#endif
