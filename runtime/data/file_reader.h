/* A file that is read piece by piece, for bodies that are larger than memory: uploads.
 * All that waits for the disk is done by the script's queue (data/file_queue.h), so the
 * loop does not wait. Loop thread; callbacks come in dispatch, never within the call.
 *
 * What holds: `size` is that of the moment at which it was opened; so many bytes come, or
 * an error (the file became shorter; bytes that came later are not read). One piece is
 * read at a time, so that who takes slowly is not overrun. */
#ifndef TIDELOCK_DATA_FILE_READER_H
#define TIDELOCK_DATA_FILE_READER_H

#include "core/charge.h"
#include "data/folders.h"

/* Where a file lies, and for whom; all are borrowed, and live longer than the stream. */
typedef struct FilePlace {
  FileQueue *queue;
  Loop *loop;
  Charge *charge; /* the script's */
  int folder;     /* that of a Folder which the script may use so */
} FilePlace;

typedef void FileEnd(void *ctx, const Error *err); /* err NULL: it went well */
/* len 0 without an error: the end. The bytes are valid until the callback returns. */
typedef void FilePiece(void *ctx, const char *bytes, size_t len, const Error *err);

typedef struct FileReader FileReader;

enum { FILE_PIECE = 128 << 10 };

/* Begins to open a plain file. Returns new; it is to be closed after an error too. The
 * path is sound (beneath_sound). */
FileReader *file_reader_open(const FilePlace *place, const char *path, FileEnd *opened,
                             void *ctx);
uint64_t file_reader_size(const FileReader *reader); /* once it is open */
/* Asks for the next piece; not while another is asked for. */
void file_reader_next(FileReader *reader, FilePiece *got);
/* The next piece begins there: a request is sent again. Not while one is asked for. */
void file_reader_seek(FileReader *reader, uint64_t at);
/* At any time, also within its callbacks, which do not come any more. Releases it. */
void file_reader_close(FileReader *reader);

#endif
