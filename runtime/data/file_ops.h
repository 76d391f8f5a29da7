/* What is done with files below a folder that the operator allows. All functions wait for
 * the disk: they run on a thread that may (data/file_queue.h), and keep nothing. Paths
 * are relative to the folder. They return 0, or an error that says what to do, with the
 * path. Pipes, devices and sockets are refused. */
#ifndef TIDELOCK_DATA_FILE_OPS_H
#define TIDELOCK_DATA_FILE_OPS_H

#include "core/buffer.h"
#include "core/error.h"

/* Opens a plain file, to read it or to append to it. -1: *err. */
int file_open(int folder, const char *path, int flags, const char *doing, Error *err);

/* Opens a plain file for reading, and sets its size. -1: *err. */
int file_open_sized(int folder, const char *path, uint64_t *size, Error *err);

/* Appends the whole file to `out`; TOO_LARGE where it has more than `most` bytes. */
int file_read(int folder, const char *path, size_t most, Buffer *out, Error *err);
/* The file has these bytes then, or, whatever happens, what it had before. */
int file_write(int folder, const char *path, const void *bytes, size_t len, Error *err);
/* All of the bytes or, after an error, none; but where another process has appended to
 * the file meanwhile, those that were written stay. Makes the file where there is none.
 */
int file_append(int folder, const char *path, const void *bytes, size_t len, Error *err);

typedef enum FileType { FILE_PLAIN, FILE_FOLDER, FILE_LINK, FILE_OTHER } FileType;

typedef struct FileInfo {
  FileType type; /* of what a link leads to */
  uint64_t size;
  double modified; /* seconds since 1970 began */
} FileInfo;
int file_stat(int folder, const char *path, FileInfo *info, Error *err);

enum { FILE_LIST_MOST = 100000 };
/* Appends for each name in the folder, "." and ".." left out, a byte with its FileType,
 * the name, and a NUL; TOO_LARGE where that makes more than `most` bytes, or there are
 * more than FILE_LIST_MOST names. */
int file_list(int folder, const char *path, size_t most, Buffer *out, Error *err);

int file_make_folder(int folder, const char *path, bool parents, Error *err);
int file_rename(int folder, const char *from, const char *to, Error *err);
int file_remove(int folder, const char *path, Error *err); /* a file, an empty folder */

#endif
