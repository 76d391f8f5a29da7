/* Moves what stands in sqlite's log (-wal) into the database, on a thread of its own:
 * that waits for the disk itself (fsync), and writing need not wait with it. */
#ifndef TIDELOCK_DATA_DB_CHECKPOINT_H
#define TIDELOCK_DATA_DB_CHECKPOINT_H

#include <sqlite3.h>

typedef struct Checkpoints Checkpoints;

/* The path is borrowed until the end. Returns new. */
Checkpoints *checkpoints_start(const char *path);
/* From now on after each write of this connection, on its thread. */
void checkpoints_watch(Checkpoints *checkpoints, sqlite3 *sql);
/* Waits for the one under way, and frees. */
void checkpoints_stop(Checkpoints *checkpoints);

#endif
