/* See file_reader.h. The reader is itself the one job that it has in the queue; closing
 * is the last of them, as closing may wait as well. */
#include "data/file_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/file_error.h"
#include "data/file_ops.h"
#include "loop/descriptors.h"

typedef enum ReaderDoing { READER_OPENS, READER_READS, READER_CLOSES } ReaderDoing;

struct FileReader {
  FileJob job;
  FilePlace place;
  char *path, *piece;
  int fd;
  uint64_t size, at;
  size_t got;
  ReaderDoing doing;
  bool busy, closed;
  FileEnd *opened;
  FilePiece *taken;
  void *ctx;
};

/* --- on another thread ------------------------------------------------------------- */

static void open_file(FileReader *r) {
  struct stat st;
  Error *err = &r->job.err;
  r->fd = file_open(r->place.folder, r->path, O_RDONLY, "read", err);
  if (r->fd < 0) return;
  if (!files_spare(r->fd)) file_error(err, "read", r->path, EMFILE);
  else if (fstat(r->fd, &st) != 0) file_error(err, "read", r->path, errno);
  else r->size = (uint64_t)st.st_size;
}

static void read_piece(FileReader *r) {
  uint64_t left = r->at < r->size ? r->size - r->at : 0;
  size_t want = left < FILE_PIECE ? (size_t)left : FILE_PIECE;
  ssize_t got = 0;
  char shown[FILE_SHOWN];
  do got = want ? pread(r->fd, r->piece, want, (off_t)r->at) : 0;
  while (got < 0 && errno == EINTR);
  if (got < 0) file_error(&r->job.err, "read", r->path, errno);
  else if (got == 0 && want > 0)
    error_set(&r->job.err, ERR_IO,
              "cannot read \"%s\": it became shorter while it was read",
              file_show(r->path, shown));
  r->got = got > 0 ? (size_t)got : 0;
}

static void close_file(FileReader *r) {
  if (r->fd >= 0) close(r->fd);
  r->fd = -1;
}

static void run_reader(FileJob *job) {
  FileReader *r = CONTAINER_OF(job, FileReader, job);
  if (r->doing == READER_OPENS) open_file(r);
  else if (r->doing == READER_READS) read_piece(r);
  else close_file(r);
}

/* --- on the loop ------------------------------------------------------------------- */

static void push_job(FileReader *r, ReaderDoing doing) {
  r->doing = doing;
  r->busy = true;
  file_push(r->place.queue, r->place.loop, &r->job);
}

static void release_reader(FileReader *r) {
  close_file(r); /* it was not: there was no memory for the thread */
  charge_let_go(r->place.charge, sizeof *r + FILE_PIECE);
  free(r->piece);
  free(r->path);
  free(r);
}

static void reader_done(FileJob *job) {
  FileReader *r = CONTAINER_OF(job, FileReader, job);
  const Error *err = job->err.code ? &job->err : NULL;
  r->busy = false;
  if (r->doing == READER_CLOSES) {
    release_reader(r);
  } else if (r->closed) {
    push_job(r, READER_CLOSES);
  } else if (r->doing == READER_OPENS) {
    r->opened(r->ctx, err);
  } else {
    size_t got = err ? 0 : r->got;
    r->at += got;
    r->taken(r->ctx, r->piece, got, err);
  }
}

FileReader *file_reader_open(const FilePlace *place, const char *path, FileEnd *opened,
                             void *ctx) {
  FileReader *r = xcalloc(1, sizeof *r);
  *r = (FileReader){.job = {.run = run_reader, .done = reader_done, .drop = reader_done},
                    .place = *place,
                    .path = xstrdup(path),
                    .piece = xmalloc(FILE_PIECE),
                    .fd = -1,
                    .opened = opened,
                    .ctx = ctx};
  charge_hold(place->charge, sizeof *r + FILE_PIECE);
  push_job(r, READER_OPENS);
  return r;
}

uint64_t file_reader_size(const FileReader *reader) {
  return reader->size;
}

void file_reader_next(FileReader *reader, FilePiece *got) {
  CHECK(!reader->busy && !reader->closed && reader->fd >= 0);
  reader->taken = got;
  push_job(reader, READER_READS);
}

void file_reader_seek(FileReader *reader, uint64_t at) {
  CHECK(!reader->busy);
  reader->at = at;
}

void file_reader_close(FileReader *reader) {
  CHECK(!reader->closed);
  reader->closed = true;
  if (!reader->busy) push_job(reader, READER_CLOSES);
}
