/* Lines of a shared descriptor. Owned by the caller of lines_new; loop thread only.
 *
 * How the descriptor is waited for. What can be polled is polled, then read once: a
 * blocking read returns what there is. libuv's own poll would make the descriptor
 * non-blocking for every process that shares it. So libuv polls an epoll descriptor of
 * ours that holds it. What cannot be polled (files, /dev/null) is read in the thread
 * pool.
 *
 * `refs` counts the holders of the struct: the owner, the poll handle until it is
 * closed, a read in the thread pool, an event in the inbox. */
#include "loop/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#endif

enum { CHUNK = 64 * 1024 };

struct Lines {
  Loop *loop;
  int fd;
  void (*ready)(void *ctx);
  void *ctx;
  int refs;
  bool closed, opened, polled, waiting, ended, skipping;
  int error;
  Buffer data;
  size_t at;      /* lines before it were returned */
  size_t scanned; /* the bytes from `at` to it hold no \n */
  uv_poll_t poll;
  int poll_fd; /* -1: none of our own */
  uv_fs_t fs;
  Event event;
};

static void unref_lines(Lines *l) {
  if (--l->refs > 0) return;
  if (l->poll_fd >= 0) close(l->poll_fd);
  buffer_free(&l->data);
  free(l);
}

/* --- reading ---------------------------------------------------------------------- */

static void on_event(Event *event) {
  Lines *l = CONTAINER_OF(event, Lines, event);
  l->waiting = false;
  if (!l->closed) l->ready(l->ctx);
  unref_lines(l);
}

static void push_ready(Lines *l) {
  l->refs++;
  inbox_push(l->loop, &l->event);
}

/* A terminal that is gone gives EIO, a closed descriptor EBADF: both are an end. */
static void end_read(Lines *l, ssize_t n, int error) {
  if (n > 0) l->data.len += (size_t)n;
  else l->ended = true;
  if (n < 0 && error != EIO && error != EBADF) l->error = error;
  push_ready(l);
}

static char *reserve_chunk(Lines *l) {
  buffer_consume(&l->data, l->at);
  l->at = 0;
  return buffer_reserve(&l->data, CHUNK);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  Lines *l = poll->data;
  (void)events;
  ssize_t n = status == 0 ? read(l->fd, reserve_chunk(l), CHUNK) : -1;
  int error = status == 0 ? errno : -status;
  if (n < 0 && (error == EAGAIN || error == EINTR)) return;
  uv_poll_stop(poll);
  end_read(l, n, error);
}

static void read_file(Lines *l);

static void on_file(uv_fs_t *fs) {
  Lines *l = fs->data;
  ssize_t n = fs->result;
  uv_fs_req_cleanup(fs);
  if (!l->closed && n == UV_EINTR) read_file(l);
  else if (!l->closed) end_read(l, n, n < 0 ? (int)-n : 0);
  unref_lines(l);
}

static void read_file(Lines *l) {
  uv_buf_t buf = uv_buf_init(reserve_chunk(l), CHUNK);
  l->fs.data = l;
  l->refs++;
  CHECK(uv_fs_read(loop_uv(l->loop), &l->fs, l->fd, &buf, 1, -1, on_file) == 0);
}

/* --- opening ---------------------------------------------------------------------- */

#ifdef __linux__
static bool poll_open(Lines *l) {
  struct epoll_event want = {.events = EPOLLIN};
  l->poll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (l->poll_fd < 0 || epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, l->fd, &want) != 0)
    return false;
  return uv_poll_init(loop_uv(l->loop), &l->poll, l->poll_fd) == 0;
}
#else
static bool poll_open(Lines *l) {
  int flags = fcntl(l->fd, F_GETFL);
  if (flags < 0 || uv_poll_init(loop_uv(l->loop), &l->poll, l->fd) != 0) return false;
  return fcntl(l->fd, F_SETFL, flags) == 0;
}
#endif

static void on_closed(uv_handle_t *handle) {
  unref_lines(handle->data);
}

static void open_once(Lines *l) {
  if (l->opened) return;
  l->opened = true;
  if (fcntl(l->fd, F_GETFD) < 0) l->fd = -1; /* its number may be given to another */
  l->polled = l->fd >= 0 && poll_open(l);
  if (!l->polled) return;
  l->poll.data = l;
  l->refs++;
}

static void read_on(Lines *l) {
  if (l->waiting) return;
  open_once(l);
  l->waiting = true;
  if (l->polled) uv_poll_start(&l->poll, UV_READABLE, on_poll);
  else read_file(l);
}

/* --- lines ------------------------------------------------------------------------ */

static LinesResult give_line(Lines *l, size_t len, const char **line, size_t *line_len) {
  const char *text = l->data.data + l->at;
  bool skipped = l->skipping;
  l->at += len;
  l->scanned = 0;
  l->skipping = false;
  if (len && text[len - 1] == '\n') len--;
  if (len && text[len - 1] == '\r') len--;
  if (skipped) return LINES_NONE;
  if (len > LINES_MAX) return LINES_TOO_LONG;
  *line = text;
  *line_len = len;
  return LINES_LINE;
}

/* A line too long: what has come of it is dropped, and so is the rest up to its end. */
static LinesResult skip_line(Lines *l) {
  bool known = l->skipping;
  l->skipping = true;
  l->at = l->data.len;
  l->scanned = 0;
  return known ? LINES_NONE : LINES_TOO_LONG;
}

/* LINES_NONE: no line to return, but `at` may have moved. */
static LinesResult take_line(Lines *l, const char **line, size_t *len) {
  size_t left = l->data.len - l->at;
  if (left == 0) return LINES_NONE;
  const char *text = l->data.data + l->at;
  const char *end = memchr(text + l->scanned, '\n', left - l->scanned);
  if (end) return give_line(l, (size_t)(end - text) + 1, line, len);
  l->scanned = left;
  if (l->skipping || left > LINES_MAX + 1) return skip_line(l);
  if (l->ended) return give_line(l, left, line, len);
  return LINES_NONE;
}

LinesResult lines_next(Lines *l, const char **line, size_t *len) {
  if (l->waiting) return LINES_NONE; /* the buffer is being read into */
  for (;;) {
    size_t before = l->at;
    LinesResult result = take_line(l, line, len);
    if (result != LINES_NONE) return result;
    if (l->at != before) continue;
    if (l->ended) return LINES_END;
    read_on(l);
    return LINES_NONE;
  }
}

int lines_error(const Lines *l) {
  return l->error;
}

/* --- life ------------------------------------------------------------------------- */

Lines *lines_new(Loop *loop, int fd, void (*ready)(void *ctx), void *ctx) {
  Lines *l = xcalloc(1, sizeof *l);
  *l = (Lines){.loop = loop,
               .fd = fd,
               .ready = ready,
               .ctx = ctx,
               .refs = 1,
               .poll_fd = -1,
               .event.run = on_event};
  return l;
}

void lines_hand_to(Lines *l, void (*ready)(void *ctx), void *ctx) {
  l->ready = ready;
  l->ctx = ctx;
}

void lines_free(Lines *l) {
  l->closed = true;
  if (l->polled) uv_close((uv_handle_t *)&l->poll, on_closed);
  unref_lines(l);
}
