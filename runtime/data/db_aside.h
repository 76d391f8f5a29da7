/* Setting the files of a database aside and bringing them back: all of what sqlite has
 * beside a file goes with it, or nothing does, whenever the process ends. What is to be
 * moved is written down first; whoever takes the folder's lock finishes what was begun
 * (place_lock). Every function but aside_pending needs that lock. Any thread. */
#ifndef TIDELOCK_DATA_DB_ASIDE_H
#define TIDELOCK_DATA_DB_ASIDE_H

#include <stdbool.h>

#include "core/error.h"

#define ASIDE_PREFIX "state.db.broken-"

/* state.db gets another name, and `name` (NULL: nothing) becomes state.db. *aside is the
 * name in the folder, new, or NULL where there was no state.db. IO: all is as it was, or
 * (it says so) it is finished by the next process. */
int aside_move(const char *folder, const char *name, char **aside, Error *err);
/* Finishes what was begun. */
int aside_finish(const char *folder, Error *err);
bool aside_pending(const char *folder); /* there is something to finish */
/* Whether that is the name of a file that was set aside, and not of what is beside one.
 */
bool aside_is_one(const char *name);

#endif
