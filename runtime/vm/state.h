/* The lua_State of a generation: its memory account, its standard library (bounded),
 * require. */
#ifndef TIDELOCK_VM_STATE_H
#define TIDELOCK_VM_STATE_H

#include "script/generation.h"

/* Makes gen->L; 0, or ERR_MEMORY. */
int state_open(Generation *gen, Error *err);

/* Pushes the loaded top-level function of the script; 0, or ERR_SCRIPT with a syntax
 * error's text (file:line: what). */
int state_load_main(Generation *gen, Error *err);

#endif
