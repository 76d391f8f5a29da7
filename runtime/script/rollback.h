/* Going back to the last good generation, when probation.c has decided so. */
#ifndef TIDELOCK_SCRIPT_ROLLBACK_H
#define TIDELOCK_SCRIPT_ROLLBACK_H

typedef struct Script Script;

/* From now on answers the event of the script that probation.c pushes. */
void rollback_init(Script *script);

#endif
