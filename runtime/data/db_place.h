/* The place of a database: which process has the folder, and whether the file at the path
 * is still the one that was opened. Any thread. */
#ifndef TIDELOCK_DATA_DB_PLACE_H
#define TIDELOCK_DATA_DB_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/error.h"

/* Returns the descriptor that holds the lock, or -1: BUSY (with the process that has
 * it, and the advice), IO. The lock ends with the process, however that ends. A move of
 * files that another process began is finished. */
int place_lock(const char *folder, const char *advice, Error *err);

/* IO where the path is a folder, a pipe or a device: sqlite would wait for it, or write
 * to it. */
int place_check_file(const char *path, Error *err);

/* Makes the file, if it is not there, with its mode, before sqlite opens it; the files
 * that sqlite makes beside it get the same mode. What fails here fails when it is opened.
 */
void place_make_file(const char *path);

typedef struct FileId {
  dev_t device;
  ino_t inode;
  bool known;
} FileId;
FileId file_id(const char *path); /* `known` is false where there is no file */
/* Whether the path has another file than this one, or none; false if it is not known. */
bool file_id_gone(const FileId *id, const char *path);

#endif
