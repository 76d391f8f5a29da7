/* What `tidelock check` warns of, beyond what a load finds: globals that nobody defines,
 * and modules that are required later and do not compile. */
#ifndef TIDELOCK_SCRIPT_LINT_H
#define TIDELOCK_SCRIPT_LINT_H

#include <stdbool.h>

typedef struct Generation Generation;

/* Of a generation that has been staged, or whose top level has failed: logs what it
 * finds, as warnings; returns how many. `failed`: names out of reach are left to the
 * error that ended the load. */
int lint(Generation *gen, bool failed);

#endif
