/* The folders that the operator allows to scripts: --allow NAME:files=DIR[:write]. Each
 * is opened when the program starts and stays open: what takes its place later is not
 * reached. Made by main, borrowed by the runtime; loop thread. */
#ifndef TIDELOCK_DATA_FOLDERS_H
#define TIDELOCK_DATA_FOLDERS_H

#include "core/error.h"
#include "data/file_queue.h"

typedef struct Folder {
  char *dir; /* as it was written, without a slash at its end; owned */
  int fd;
  bool write;
} Folder;

/* What one script may reach. */
typedef struct ScriptFolders {
  struct ScriptFolders *next;
  char *script; /* owned */
  Folder *list; /* owned, in the order in which they were allowed */
  size_t count;
  FileQueue queue; /* its work on them */
  bool used;       /* there is such a script */
} ScriptFolders;

typedef struct Folders Folders;
struct Folders {
  ScriptFolders *first;
};

/* Adds "NAME:files=DIR[:write]" to a zeroed Folders, or one that has some. Returns 0, or
 * an error: INVALID, NOT_FOUND, IO. */
int folders_allow(Folders *folders, const char *text, Error *err);
void folders_free(Folders *folders); /* no work is left */

/* What is allowed to a script; NULL: nothing. Borrows. */
ScriptFolders *folders_of(const Folders *folders, const char *script);
/* The script of that name begins. */
void folders_use(const Folders *folders, const char *script);
/* What is allowed to a script that there is not; NULL: all is used. Borrows. */
const ScriptFolders *folders_unused(const Folders *folders);
/* Whether work on them is under way, or waits. */
bool folders_busy(const Folders *folders);

#endif
