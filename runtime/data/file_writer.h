/* A file that is written piece by piece, for bodies that are larger than memory:
 * downloads, also ones that are resumed. Loop thread; callbacks come in dispatch, never
 * within the call; one thing is done at a time. */
#ifndef TIDELOCK_DATA_FILE_WRITER_H
#define TIDELOCK_DATA_FILE_WRITER_H

#include "data/file_reader.h"

typedef struct FileWriter FileWriter;

typedef enum FileWay {
  FILE_REPLACE, /* written aside; file_writer_keep puts it in its place, at once */
  FILE_CONTINUE /* goes on at the end of what is there; what is written stays. BUSY: there
                   is another such writer of it */
} FileWay;

/* Begins to open it. Returns new; it is to be closed after an error too. The path is
 * sound. */
FileWriter *file_writer_open(const FilePlace *place, const char *path, FileWay way,
                             FileEnd *opened, void *ctx);
/* Its bytes so far: with FILE_CONTINUE, where a download goes on. */
uint64_t file_writer_size(const FileWriter *writer);
/* Appends a copy of the bytes: all, or after an error none. */
void file_writer_put(FileWriter *writer, const void *bytes, size_t len, FileEnd *done);
/* Begins anew: what there is of it belongs to another version of the body. */
void file_writer_clear(FileWriter *writer, FileEnd *done);
/* It is whole: makes it durable, and its name. `as`: with FILE_CONTINUE, the name that it
 * gets now, sound as `path` is; NULL: it keeps its own. Nothing is written after that. */
void file_writer_keep(FileWriter *writer, const char *as, FileEnd *done);
/* At any time, also within its callbacks, which do not come any more. Releases it. What
 * was not kept: of FILE_REPLACE nothing is left, of FILE_CONTINUE what was written. */
void file_writer_close(FileWriter *writer);

#endif
