/* See writer.h. `lock` guards all but the descriptor and the batch, which belong to the
 * thread: it takes all text that waits as a batch, and writes that in pieces. The
 * segments name the account of each run of text, the batch's first; they are settled
 * after each piece.
 *
 * The thread may be inside a write that never ends. A signal without SA_RESTART
 * interrupts the write; no other thread receives it. It is sent until the thread has
 * ended, because it may arrive right before the write. */
#include "loop/writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 64 * 1024, INTERRUPT = SIGURG };

typedef struct Segment {
  WriterAccount *account; /* NULL: its owner is gone */
  size_t len;
} Segment;

struct Writer {
  int fd;
  pthread_t thread;
  bool started, closing, ended;
  pthread_mutex_t lock;
  pthread_mutex_t listener_lock; /* held while the listener is called */
  pthread_cond_t work, settled;
  Buffer waiting, batch;
  Buffer segments; /* of Segment; the first `settled_segments` are done */
  size_t settled_segments;
  size_t left;
  int error;
  void (*listener)(void *ctx);
  void *ctx;
};

static void ignore_signal(int number) {
  (void)number;
}

Writer *writer_new(int fd) {
  Writer *w = xcalloc(1, sizeof *w);
  pthread_condattr_t monotonic;
  w->fd = fd;
  CHECK(pthread_mutex_init(&w->lock, NULL) == 0);
  CHECK(pthread_mutex_init(&w->listener_lock, NULL) == 0);
  CHECK(pthread_condattr_init(&monotonic) == 0);
  CHECK(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
  CHECK(pthread_cond_init(&w->work, &monotonic) == 0);
  CHECK(pthread_cond_init(&w->settled, &monotonic) == 0);
  pthread_condattr_destroy(&monotonic);
  struct sigaction action = {.sa_handler = ignore_signal};
  sigemptyset(&action.sa_mask);
  sigaction(INTERRUPT, &action, NULL);
  return w;
}

/* --- segments ---------------------------------------------------------------------- */

static Segment *segments_of(const Writer *w, size_t *count) {
  *count = w->segments.len / sizeof(Segment);
  return (Segment *)(void *)w->segments.data;
}

static void add_segment(Writer *w, WriterAccount *account, size_t len) {
  size_t count;
  Segment *all = segments_of(w, &count);
  if (count > w->settled_segments && all[count - 1].account == account)
    all[count - 1].len += len;
  else buffer_put(&w->segments, &(Segment){account, len}, sizeof(Segment));
  w->left += len;
  if (account)
    __atomic_store_n(&account->queued, account->queued + len, __ATOMIC_RELAXED);
}

/* Takes text off the account; true when the listener is to be called. */
static bool settle_account(WriterAccount *account, size_t len) {
  bool notify = account->notify;
  __atomic_store_n(&account->queued, account->queued - len, __ATOMIC_RELAXED);
  account->notify = false;
  return notify;
}

static void forget_settled(Writer *w) {
  size_t count;
  Segment *all = segments_of(w, &count);
  if (w->settled_segments < count && w->settled_segments < 1024) return;
  memmove(all, all + w->settled_segments, (count - w->settled_segments) * sizeof *all);
  w->segments.len = (count - w->settled_segments) * sizeof *all;
  w->settled_segments = 0;
}

/* The first `len` bytes are written, or dropped. Returns whether the listener is to be
 * called.
 */
static bool settle_bytes(Writer *w, size_t len) {
  size_t count;
  Segment *all = segments_of(w, &count);
  bool notify = false;
  w->left -= len;
  while (len > 0) {
    Segment *first = &all[w->settled_segments];
    size_t part = first->len < len ? first->len : len;
    if (first->account && settle_account(first->account, part)) notify = true;
    first->len -= part;
    len -= part;
    if (first->len == 0) w->settled_segments++;
  }
  forget_settled(w);
  pthread_cond_broadcast(&w->settled);
  return notify;
}

/* --- on the thread ----------------------------------------------------------------- */

static void call_listener(Writer *w) {
  pthread_mutex_lock(&w->listener_lock);
  if (w->listener) w->listener(w->ctx);
  pthread_mutex_unlock(&w->listener_lock);
}

static bool is_closing(Writer *w) {
  pthread_mutex_lock(&w->lock);
  bool closing = w->closing;
  pthread_mutex_unlock(&w->lock);
  return closing;
}

/* Returns what was written, or -1 with errno. Somebody else may have made the descriptor
 * non-blocking. */
static ssize_t write_piece(Writer *w, const char *text, size_t len) {
  for (;;) {
    if (is_closing(w)) return errno = ECANCELED, -1;
    ssize_t n = write(w->fd, text, len < PIECE ? len : PIECE);
    if (n >= 0) return n;
    if (errno == EAGAIN) poll(&(struct pollfd){.fd = w->fd, .events = POLLOUT}, 1, 1000);
    else if (errno != EINTR) return -1;
  }
}

static void finish_piece(Writer *w, size_t len, int error) {
  pthread_mutex_lock(&w->lock);
  bool notify = settle_bytes(w, len);
  if (error && error != ECANCELED && !w->error) w->error = error, notify = true;
  pthread_mutex_unlock(&w->lock);
  if (notify) call_listener(w);
}

/* After a write failed, all text is dropped. */
static void write_batch(Writer *w) {
  size_t at = 0;
  while (at < w->batch.len) {
    ssize_t n = w->error ? -1 : write_piece(w, w->batch.data + at, w->batch.len - at);
    size_t done = n < 0 ? w->batch.len - at : (size_t)n;
    at += done;
    finish_piece(w, done, n < 0 && !w->error ? errno : 0);
  }
  if (w->batch.cap > 4 * PIECE) buffer_free(&w->batch);
  buffer_clear(&w->batch);
}

static void *thread_main(void *arg) {
  Writer *w = arg;
  pthread_mutex_lock(&w->lock);
  while (!w->closing) {
    if (w->waiting.len == 0) {
      pthread_cond_wait(&w->work, &w->lock);
      continue;
    }
    Buffer batch = w->batch;
    w->batch = w->waiting;
    w->waiting = batch;
    pthread_mutex_unlock(&w->lock);
    write_batch(w);
    pthread_mutex_lock(&w->lock);
  }
  w->ended = true;
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

/* The thread is open for no signal but the one that interrupts it, and SIGTTOU: one that
 * is blocked would let a background job write to a terminal that forbids it. */
static void start_thread(Writer *w) {
  sigset_t mask, before;
  pthread_attr_t attributes;
  CHECK(pthread_attr_init(&attributes) == 0);
  pthread_attr_setstacksize(&attributes, 256 << 10); /* memory may be short by now */
  sigfillset(&mask);
  sigdelset(&mask, INTERRUPT);
  sigdelset(&mask, SIGTTOU);
  pthread_sigmask(SIG_SETMASK, &mask, &before);
  CHECK(pthread_create(&w->thread, &attributes, thread_main, w) == 0);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  w->started = true;
}

/* --- putting ----------------------------------------------------------------------- */

void writer_put(Writer *w, WriterAccount *account, const char *text, size_t len) {
  if (len == 0) return;
  pthread_mutex_lock(&w->lock);
  if (!w->started) start_thread(w);
  if (!w->error) {
    add_segment(w, account, len);
    if (w->waiting.len == 0) pthread_cond_signal(&w->work);
    buffer_put(&w->waiting, text, len);
  }
  pthread_mutex_unlock(&w->lock);
}

void writer_forget(Writer *w, const WriterAccount *account) {
  size_t count;
  pthread_mutex_lock(&w->lock);
  Segment *all = segments_of(w, &count);
  for (size_t i = w->settled_segments; i < count; i++)
    if (all[i].account == account) all[i].account = NULL;
  pthread_mutex_unlock(&w->lock);
}

bool writer_notify_fewer(Writer *w, WriterAccount *account) {
  pthread_mutex_lock(&w->lock);
  account->notify = account->queued > 0;
  bool waits = account->notify;
  pthread_mutex_unlock(&w->lock);
  return waits;
}

/* --- waiting ----------------------------------------------------------------------- */

static struct timespec time_after(double seconds) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  double fraction = seconds - (double)(time_t)seconds;
  t.tv_sec += (time_t)seconds;
  t.tv_nsec += (long)(fraction * 1e9);
  if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
  return t;
}

bool writer_wait(Writer *w, double seconds) {
  struct timespec until = time_after(seconds > 0 ? seconds : 0);
  pthread_mutex_lock(&w->lock);
  while (w->left && pthread_cond_timedwait(&w->settled, &w->lock, &until) == 0) {
  }
  bool none = w->left == 0;
  pthread_mutex_unlock(&w->lock);
  return none;
}

size_t writer_left(Writer *w) {
  pthread_mutex_lock(&w->lock);
  size_t left = w->left;
  pthread_mutex_unlock(&w->lock);
  return left;
}

int writer_error(Writer *w) {
  pthread_mutex_lock(&w->lock);
  int error = w->error;
  pthread_mutex_unlock(&w->lock);
  return error;
}

void writer_listen(Writer *w, void (*listener)(void *ctx), void *ctx) {
  pthread_mutex_lock(&w->listener_lock);
  w->listener = listener;
  w->ctx = ctx;
  pthread_mutex_unlock(&w->listener_lock);
}

/* --- the end ----------------------------------------------------------------------- */

static bool has_ended(Writer *w) {
  pthread_mutex_lock(&w->lock);
  w->closing = true;
  pthread_cond_signal(&w->work);
  bool ended = w->ended;
  pthread_mutex_unlock(&w->lock);
  return ended;
}

static bool end_thread(Writer *w) {
  for (int tries = 0; w->started && !has_ended(w); tries++) {
    if (tries == 100) return false;
    pthread_kill(w->thread, INTERRUPT);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  if (w->started) pthread_join(w->thread, NULL);
  return true;
}

void writer_free(Writer *w) {
  if (!w || !end_thread(w)) return;
  buffer_free(&w->waiting);
  buffer_free(&w->batch);
  buffer_free(&w->segments);
  pthread_cond_destroy(&w->work);
  pthread_cond_destroy(&w->settled);
  pthread_mutex_destroy(&w->lock);
  pthread_mutex_destroy(&w->listener_lock);
  free(w);
}
