/* Where a database lies: who has the folder, and whether the file at the path is still
 * the one that was opened. Any thread. */
#ifndef TIDELOCK_DATA_DB_PLACE_H
#define TIDELOCK_DATA_DB_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/error.h"

/* Returns the descriptor that holds the lock, or -1: BUSY (with who has it, and
 * the advice), IO. It goes with the process, however that ends. What another one began to
 * set aside is finished. */
int place_lock(const char *folder, const char *advice, Error *err);

/* IO where something else than a file is there (a folder, a pipe, a device): sqlite would
 * wait for it, or write to it. */
int place_check_file(const char *path, Error *err);

typedef struct FileId {
  dev_t device;
  ino_t inode;
  bool known;
} FileId;
FileId file_id(const char *path); /* not known: there is nothing */
/* Whether another file is there than that, or none; false of one that is not known. */
bool file_id_gone(const FileId *id, const char *path);

#endif
