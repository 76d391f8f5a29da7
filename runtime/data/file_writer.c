/* See file_writer.h. Like a reader, the writer is the one job that it has in the queue.
 */
#include "data/file_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buffer.h"
#include "data/file_aside.h"
#include "data/file_error.h"
#include "data/file_ops.h"
#include "loop/descriptors.h"

typedef enum Doing {
  WRITER_OPENS,
  WRITER_WRITES,
  WRITER_CLEARS,
  WRITER_KEEPS,
  WRITER_CLOSES
} Doing;

struct FileWriter {
  FileJob job;
  FilePlace place;
  char *path, *as;
  FileWay way;
  FileAside aside;
  int fd; /* the aside's, or its own */
  uint64_t size;
  Buffer bytes;
  size_t held; /* of them, charged */
  Doing doing;
  bool busy, closed;
  FileEnd *done;
  void *ctx;
};

/* --- on another thread ------------------------------------------------------------- */

static void set_error(FileWriter *w, int error) {
  file_error(&w->job.err, "write", w->path, error);
}

static void open_aside(FileWriter *w) {
  if (file_aside_open(&w->aside, w->place.folder, w->path) != 0) set_error(w, errno);
  else w->fd = w->aside.fd;
}

/* Two that go on with one file would mix their bytes. The other one may have given it
 * another name since it was opened here. */
static bool lock_named(FileWriter *w, struct stat *st) {
  struct stat named;
  Error ignored;
  if (flock(w->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
  int fd = file_open(w->place.folder, w->path, O_RDONLY | O_NOFOLLOW, "write", &ignored);
  bool same = fd >= 0 && fstat(fd, &named) == 0 && fstat(w->fd, st) == 0 &&
              named.st_ino == st->st_ino && named.st_dev == st->st_dev;
  if (fd >= 0) close(fd);
  return same;
}

static void open_to_continue(FileWriter *w) {
  struct stat st;
  const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW;
  w->fd = file_open(w->place.folder, w->path, flags, "write", &w->job.err);
  if (w->fd < 0) return;
  if (fstat(w->fd, &st) != 0) set_error(w, errno);
  else if (!lock_named(w, &st)) set_error(w, EBUSY);
  else w->size = (uint64_t)st.st_size;
}

static void open_writer(FileWriter *w) {
  if (w->way == FILE_REPLACE) open_aside(w);
  else open_to_continue(w);
  if (w->fd >= 0 && !files_spare(w->fd)) set_error(w, EMFILE);
}

static void write_bytes(FileWriter *w) {
  if (lseek(w->fd, (off_t)w->size, SEEK_SET) >= 0 &&
      file_put(w->fd, w->bytes.data, w->bytes.len) == w->bytes.len) {
    w->size += w->bytes.len;
    return;
  }
  int error = errno;
  if (ftruncate(w->fd, (off_t)w->size) != 0)
    errno = error; /* the next write begins at the same place all the same */
  set_error(w, error);
}

static void clear_file(FileWriter *w) {
  if (ftruncate(w->fd, 0) != 0) set_error(w, errno);
  else w->size = 0;
}

static void sync_name(FileWriter *w, const char *path) {
  char last[BENEATH_NAME];
  int parent = beneath_parent(w->place.folder, path, last);
  if (parent < 0) return; /* it was moved meanwhile */
  file_sync_names(parent);
  close(parent);
}

static void keep_named(FileWriter *w) {
  if (fsync(w->fd) != 0) {
    set_error(w, errno);
    return;
  }
  const char *name = w->as ? w->as : w->path;
  if (!w->as || file_rename(w->place.folder, w->path, w->as, &w->job.err) == 0)
    sync_name(w, name);
}

static void keep_file(FileWriter *w) {
  if (w->way == FILE_REPLACE) {
    w->fd = -1; /* it is the aside's */
    if (file_aside_keep(&w->aside) != 0) set_error(w, errno);
  } else {
    keep_named(w);
  }
}

static void close_file(FileWriter *w) {
  if (w->way == FILE_REPLACE) file_aside_drop(&w->aside);
  else if (w->fd >= 0) close(w->fd);
  w->fd = -1;
}

static void run_writer(FileJob *job) {
  FileWriter *w = CONTAINER_OF(job, FileWriter, job);
  static void (*const steps[])(FileWriter *) = {open_writer, write_bytes, clear_file,
                                                keep_file, close_file};
  steps[w->doing](w);
}

/* --- on the loop ------------------------------------------------------------------- */

static void push_job(FileWriter *w, Doing doing) {
  w->doing = doing;
  w->busy = true;
  file_push(w->place.queue, w->place.loop, &w->job);
}

static void forget_bytes(FileWriter *w) {
  charge_set(w->place.charge, &w->held, 0);
  buffer_free(&w->bytes);
}

static void release_writer(FileWriter *w) {
  close_file(w); /* it was not: there was no memory for the thread */
  charge_let_go(w->place.charge, sizeof *w);
  free(w->path);
  free(w->as);
  free(w);
}

static void writer_done(FileJob *job) {
  FileWriter *w = CONTAINER_OF(job, FileWriter, job);
  w->busy = false;
  forget_bytes(w);
  if (w->doing == WRITER_CLOSES) release_writer(w);
  else if (w->closed) push_job(w, WRITER_CLOSES);
  else w->done(w->ctx, job->err.code ? &job->err : NULL);
}

FileWriter *file_writer_open(const FilePlace *place, const char *path, FileWay way,
                             FileEnd *opened, void *ctx) {
  FileWriter *w = xcalloc(1, sizeof *w);
  *w = (FileWriter){.job = {.run = run_writer, .done = writer_done, .drop = writer_done},
                    .place = *place,
                    .path = xstrdup(path),
                    .way = way,
                    .aside = {.fd = -1, .parent = -1},
                    .fd = -1,
                    .done = opened,
                    .ctx = ctx};
  charge_hold(place->charge, sizeof *w);
  push_job(w, WRITER_OPENS);
  return w;
}

uint64_t file_writer_size(const FileWriter *writer) {
  return writer->size;
}

static void begin_job(FileWriter *w, Doing doing, FileEnd *done) {
  CHECK(!w->busy && !w->closed && w->fd >= 0);
  w->done = done;
  push_job(w, doing);
}

void file_writer_put(FileWriter *writer, const void *bytes, size_t len, FileEnd *done) {
  CHECK(!writer->busy);
  buffer_put(&writer->bytes, bytes, len);
  charge_set(writer->place.charge, &writer->held, len);
  begin_job(writer, WRITER_WRITES, done);
}

void file_writer_clear(FileWriter *writer, FileEnd *done) {
  begin_job(writer, WRITER_CLEARS, done);
}

void file_writer_keep(FileWriter *writer, const char *as, FileEnd *done) {
  CHECK(!as || writer->way == FILE_CONTINUE);
  writer->as = xstrdup(as);
  begin_job(writer, WRITER_KEEPS, done);
}

void file_writer_close(FileWriter *writer) {
  CHECK(!writer->closed);
  writer->closed = true;
  if (!writer->busy) push_job(writer, WRITER_CLOSES);
}
