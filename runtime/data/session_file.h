/* The tokens of a session, and the file in which they outlive the process and are shared
 * with others: sessions/NAME@ORIGIN.json below the data home, of mode 0600, and a lock
 * beside it that ends with its process. All memory that held tokens is overwritten before
 * it is freed. The functions of SessionFile wait for the disk: they run on a thread that
 * may, one at a time. */
#ifndef TIDELOCK_DATA_SESSION_FILE_H
#define TIDELOCK_DATA_SESSION_FILE_H

#include "core/boot.h"
#include "core/buffer.h"
#include "core/error.h"
#include "data/file_aside.h"

typedef struct SessionRecord {
  int64_t
      number; /* rises with each change: the highest is the newest; 0: there is none */
  double received;    /* wall-clock seconds */
  char boot[BOOT_ID]; /* of the machine's start in which it came; "": not known */
  double boot_time;   /* seconds of the boot clock then */
  double life;        /* seconds from then; INFINITY: not known */
  bool begun;         /* a refresh of it was begun */
  char *closed;       /* why there are no tokens; NULL: there are; owned, as the others */
  char *access, *refresh; /* refresh may be NULL */
  char *pair;             /* all that came with them, a JSON object */
} SessionRecord;

void session_record_free(SessionRecord *record); /* leaves it zeroed */
void session_record_copy(SessionRecord *out, const SessionRecord *record);
/* Reads what a login or a refresh gave, as JSON, into a zeroed record; a refresh token
 * that is missing is `kept`. A life that is none (0, negative, no number) is not known.
 * What came beside the tokens is dropped where it is too large to be kept: then `pair` is
 * NULL. INVALID: *err, and the record stays zeroed. */
int session_record_read(SessionRecord *out, const char *json, size_t len,
                        const char *kept, Error *err);
/* Overwrites and frees. */
void secret_free(char *text);
void secret_buffer_free(Buffer *buffer);

/* Zeroed but for `folder` and `lock` (-1) it is ready. */
typedef struct SessionFile {
  char *folder, *name; /* owned; the folder is made when something is written */
  int lock;            /* -1: not held */
  FileAside room;      /* kept free for what comes next */
  bool reserved;
} SessionFile;

/* Returns new: NAME@ORIGIN.json, or NAME~ACCOUNT@ORIGIN.json; what is not letters, digits
 * or ._- is %XX. NULL: it is too long for a file. */
char *session_file_name(const char *name, const char *account, const char *origin);

/* Tries once. BUSY: another holds it; IO. Harmless when it is held. */
int session_file_lock(SessionFile *file, Error *err);
void session_file_unlock(SessionFile *file); /* harmless; gives the room back, too */
/* The record is zeroed where there is no file. DECODE: what is there is no such file. A
 * file that others could read is closed to them; *exposed tells that it was. DENIED: it
 * is another user's. */
int session_file_read(const SessionFile *file, SessionRecord *out, bool *exposed,
                      Error *err);
/* Keeps room for a record free, in which the next session_file_write puts it. */
int session_file_reserve(SessionFile *file, Error *err);
/* Durable when it returns 0. */
int session_file_write(SessionFile *file, const SessionRecord *record, Error *err);

#endif
