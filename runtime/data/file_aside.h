/* Writing a file aside: until it is whole nobody sees it, and then it takes the place of
 * the one before at once. Whatever ends the process in between, the old one is there. On
 * a thread that may wait. */
#ifndef TIDELOCK_DATA_FILE_ASIDE_H
#define TIDELOCK_DATA_FILE_ASIDE_H

#include "core/base.h"
#include "data/beneath.h"

typedef struct FileAside {
  int fd;                  /* to be written; -1: it is over */
  int parent;              /* the folder that it will lie in */
  char name[BENEATH_NAME]; /* of the file whose place it takes */
  char own[40];            /* its name until then; "": it has none yet */
} FileAside;

/* Returns 0, or -1: errno. ENXIO, EISDIR, ELOOP: what is there now is no plain file. */
int file_aside_open(FileAside *aside, int folder, const char *path);
/* Makes it durable and puts it in its place. -1: errno, and it is dropped. */
int file_aside_keep(FileAside *aside);
void file_aside_drop(FileAside *aside); /* harmless when it is over */

/* Writes the bytes; returns how many: fewer than `len`, and errno says why. */
size_t file_put(int fd, const void *bytes, size_t len);

/* What was done to names in this folder is on the disk then. A folder that may not be
 * read is left to the system. */
void file_sync_names(int parent);

#endif
