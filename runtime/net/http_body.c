/* Bodies of requests: see http_body.h. */
#include "net/http_body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void http_body_copy(HttpRequest *r, const HttpOptions *options) {
  buffer_put(&r->body, options->body, options->body_len);
  r->file_count = options->file_count;
  r->files = options->file_count ? xcalloc(r->file_count, sizeof *r->files) : NULL;
  for (size_t i = 0; i < r->file_count; i++) {
    r->files[i] = options->files[i];
    r->files[i].fd = fcntl(options->files[i].fd, F_DUPFD_CLOEXEC, 0);
  }
}

void http_body_free(HttpRequest *r) {
  buffer_free(&r->body);
  for (size_t i = 0; i < r->file_count; i++)
    if (r->files[i].fd >= 0) close(r->files[i].fd);
  free(r->files);
  r->files = NULL;
  r->file_count = 0;
}

uint64_t http_body_len(const HttpRequest *r) {
  uint64_t len = r->body.len;
  for (size_t i = 0; i < r->file_count; i++) len += r->files[i].len;
  return len;
}

static const char *read_file(HttpRequest *r, const HttpFile *file, uint64_t from,
                             char *scratch, size_t room, size_t *len) {
  uint64_t left = file->len - from;
  ssize_t n = pread(file->fd, scratch, left < room ? (size_t)left : room, (off_t)from);
  *len = n > 0 ? (size_t)n : 0;
  if (n > 0) return scratch;
  error_set(&r->error, ERR_IO, "a file cannot be sent: %s",
            n == 0 ? "it has become shorter" : strerror(errno));
  return NULL;
}

const char *http_body_at(HttpRequest *r, uint64_t at, char *scratch, size_t room,
                         size_t *len) {
  uint64_t before = 0; /* bytes of the files that stand before it */
  for (size_t i = 0; i < r->file_count; i++) {
    const HttpFile *file = &r->files[i];
    if (at < file->at) {
      *len = (size_t)(file->at - at);
      return r->body.data + (at - before);
    }
    if (at < file->at + file->len)
      return read_file(r, file, at - file->at, scratch, room, len);
    before += file->len;
  }
  *len = (size_t)(r->body.len - (at - before));
  return r->body.data + (at - before);
}
