/* Moves the files of a database aside and back. All files that sqlite has beside one go
 * with it, or none, whenever the process ends: a plan is written first, and the next
 * process that takes the folder's lock finishes it (place_lock). Every function but
 * aside_pending needs that lock. Any thread. */
#ifndef TIDELOCK_DATA_DB_ASIDE_H
#define TIDELOCK_DATA_DB_ASIDE_H

#include <stdbool.h>

#include "core/error.h"

#define ASIDE_PREFIX "state.db.broken-"

/* state.db gets another name, and `name` (NULL: nothing) becomes state.db. *aside is the
 * name in the folder, new, or NULL where there was no state.db. IO: all is as it was, or
 * (it says so) it is finished by the next process. */
int aside_move(const char *folder, const char *name, char **aside, Error *err);
/* Finishes a move that was begun. */
int aside_finish(const char *folder, Error *err);
bool aside_pending(const char *folder); /* there is a move to finish */
/* Whether the name is that of a database set aside, not of a file beside one. */
bool aside_is_one(const char *name);

/* Returns new: the name, with the time, under which broken rows are kept. */
char *aside_new_name(const char *name);

#endif
