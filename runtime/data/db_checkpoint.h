/* Moves sqlite's write-ahead log (-wal) into the database, on a thread of its own: it
 * waits for the disk (fsync), and writes do not wait with it. */
#ifndef TIDELOCK_DATA_DB_CHECKPOINT_H
#define TIDELOCK_DATA_DB_CHECKPOINT_H

typedef struct sqlite3 sqlite3; /* as <sqlite3.h> has it */
typedef struct Checkpoints Checkpoints;

/* The path is borrowed until the end. Returns new. */
Checkpoints *checkpoints_start(const char *path);
/* From now on it checks after each write of this connection, on its thread. */
void checkpoints_watch(Checkpoints *checkpoints, sqlite3 *sql);
/* Waits for a move that has begun, and frees. */
void checkpoints_stop(Checkpoints *checkpoints);

#endif
