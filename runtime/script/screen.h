/* Whether a script draws on the terminal: it reads lines from standard input and tells
 * itself what becomes of saves (script.on_notice). Then the log goes elsewhere, so that
 * it does not write into what is drawn, and no save is told twice. */
#ifndef TIDELOCK_SCRIPT_SCREEN_H
#define TIDELOCK_SCRIPT_SCREEN_H

#include "script/runtime.h"

/* Looks, and has RuntimeOptions.drawn called the first time that one does. */
void screen_look(Runtime *rt);

#endif
