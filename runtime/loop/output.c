/* See output.h. */
#include "loop/output.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "core/clean.h"

typedef struct Stream {
  Writer *writer;
  bool terminal;
  Cleaner cleaner;
  bool in_line; /* what was printed last does not end with a line end */
} Stream;

struct Output {
  Stream out, err;
  WriterAccount log;
  Buffer clean; /* scratch */
};

static bool are_same(int a, int b) {
  struct stat x, y;
  return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
         x.st_ino == y.st_ino;
}

Output *output_new(void) {
  Output *o = xcalloc(1, sizeof *o);
  o->out = (Stream){.writer = writer_new(STDOUT_FILENO), isatty(STDOUT_FILENO) == 1};
  o->err = (Stream){.writer = o->out.writer, isatty(STDERR_FILENO) == 1};
  if (!are_same(STDOUT_FILENO, STDERR_FILENO)) o->err.writer = writer_new(STDERR_FILENO);
  return o;
}

void output_free(Output *o) {
  if (!o) return;
  writer_forget(o->err.writer, &o->log); /* a thread that does not end goes on */
  if (o->err.writer != o->out.writer) writer_free(o->err.writer);
  writer_free(o->out.writer);
  buffer_free(&o->clean);
  free(o);
}

Writer *output_out(Output *o) {
  return o->out.writer;
}

void output_print(Output *o, int fd, OutputAccount *account, const char *text,
                  size_t len) {
  bool out = fd == STDOUT_FILENO;
  Stream *stream = out ? &o->out : &o->err;
  WriterAccount *part = out ? &account->out : &account->err;
  if (len) stream->in_line = text[len - 1] != '\n';
  if (!stream->terminal) {
    writer_put(stream->writer, part, text, len);
    return;
  }
  buffer_clear(&o->clean);
  clean_text(&stream->cleaner, text, len, &o->clean);
  writer_put(stream->writer, part, o->clean.data, o->clean.len);
  if (o->clean.cap > 1 << 20) buffer_free(&o->clean);
}

void output_end_line(Output *o, OutputAccount *account) {
  if (o->out.in_line) output_print(o, STDOUT_FILENO, account, "\n", 1);
}

static void put_record(void *ctx, const char *text, size_t len) {
  Output *o = ctx;
  writer_put(o->err.writer, &o->log, text, len);
}

static size_t count_unread(void *ctx) {
  return writer_queued(&((Output *)ctx)->log);
}

LogSink output_log_sink(Output *o) {
  return (LogSink){put_record, count_unread, o};
}

void output_notify_fewer(Output *o, OutputAccount *account) {
  writer_notify_fewer(o->out.writer, &account->out);
  writer_notify_fewer(o->err.writer, &account->err);
}

void output_forget(Output *o, const OutputAccount *account) {
  writer_forget(o->out.writer, &account->out);
  writer_forget(o->err.writer, &account->err);
}

void output_listen(Output *o, void (*listener)(void *ctx), void *ctx) {
  writer_listen(o->out.writer, listener, ctx);
  writer_listen(o->err.writer, listener, ctx);
}

/* A line and the thread that writes it. The last holder frees it. */
typedef struct LastWord {
  char line[512];
  size_t len;
  atomic_int holders;
  uv_sem_t written;
} LastWord;

static void unref_word(LastWord *word) {
  if (atomic_fetch_sub(&word->holders, 1) > 1) return;
  uv_sem_destroy(&word->written);
  free(word);
}

static void *write_word(void *arg) {
  LastWord *word = arg;
  ssize_t n = write(STDERR_FILENO, word->line, word->len);
  (void)n; /* there is no other place to report it */
  uv_sem_post(&word->written);
  unref_word(word);
  return NULL;
}

static bool can_take(int fd) {
  struct pollfd out = {.fd = fd, .events = POLLOUT};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT);
}

/* The writer's thread may fill the pipe between the look and the write: so another thread
 * writes, and this one goes on after a moment whatever becomes of it. */
static void write_or_leave(LastWord *word) {
  pthread_t thread;
  word->holders = 2;
  CHECK(uv_sem_init(&word->written, 0) == 0);
  if (pthread_create(&thread, NULL, write_word, word) != 0) {
    word->holders = 1; /* no thread, no word */
    unref_word(word);
    return;
  }
  pthread_detach(thread);
  for (int i = 0; i < 100 && uv_sem_trywait(&word->written) != 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  unref_word(word);
}

void output_say(const char *fmt, ...) {
  LastWord *word = xcalloc(1, sizeof *word);
  va_list args;
  va_start(args, fmt);
  int len = vsnprintf(word->line, sizeof word->line - 1, fmt, args);
  va_end(args);
  if (len > (int)sizeof word->line - 2) len = sizeof word->line - 2;
  word->line[len++] = '\n';
  word->len = (size_t)len;
  if (can_take(STDERR_FILENO)) write_or_leave(word);
  else free(word);
}

bool output_wait(Output *o, double seconds) {
  bool out = writer_wait(o->out.writer, seconds);
  return writer_wait(o->err.writer, out ? seconds : 0) && out;
}

size_t output_left(Output *o) {
  size_t out = writer_left(o->out.writer);
  return o->err.writer == o->out.writer ? out : out + writer_left(o->err.writer);
}
