/* See signals.h. `lock` guards `rt` and `wakeup`, which come and go.
 *
 * The thread also makes the process end in time, whatever the loop does: the loop may be
 * in a function that nothing can stop, or free very much memory. When the time is up the
 * thread waits for writes that are queued for the disk, and ends the process itself.
 * While the loop gives the database what is to be kept, the thread waits as long as that
 * takes. */
#include "main/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "script/reload_request.h"

struct Signals {
  pthread_t thread;
  sigset_t set, before; /* waited for; blocked before */
  pthread_mutex_t lock;
  Ending *ending;
  Log *log;
  Output *output;
  Runtime *rt; /* NULL: none is attached */
  uv_async_t *wakeup;
  atomic_int status;
  atomic_bool reload, closing;
  atomic_bool woken; /* by SIGUSR1, because the end is asked for */
  bool terminal;     /* we began with a controlling terminal */
  int moments;       /* counted by the thread since the time of scripts was over */
  double first;      /* when the first signal that ends us came, monotonic seconds */
};

#define MOMENT 0.02 /* seconds */
/* The same signal within these seconds is a copy: timeout(1) signals the process and its
 * group, and npm passes on the Ctrl-C that the terminal has sent to us too. Once `stop`
 * handlers have begun, somebody may have seen that and mean it. */
#define COPY 0.05
#define COPY_LATE 0.0005

static bool has_terminal(void) {
  int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/* --- on the thread ----------------------------------------------------------------- */

static void wake_loop(Signals *s, bool stop) {
  pthread_mutex_lock(&s->lock);
  if (s->rt && stop) runtime_end_in_time(s->rt);
  if (s->wakeup) uv_async_send(s->wakeup);
  pthread_mutex_unlock(&s->lock);
}

static void say_unwritten(Signals *s) {
  size_t unsaved = atomic_load(&s->ending->unsaved), left = output_left(s->output);
  if (unsaved && left)
    output_say("tidelock: ended at once: %zu changes were not saved to the disk, %zu "
               "printed bytes were not written",
               unsaved, left);
  else if (unsaved)
    output_say("tidelock: ended at once: %zu changes were not saved to the disk",
               unsaved);
  else if (left)
    output_say("tidelock: ended at once: %zu printed bytes were not written", left);
  else output_say("tidelock: ended at once: nothing was left to be written");
}

static void end_at_once(Signals *s, int number) {
  double copy = atomic_load(&s->ending->begun) ? COPY_LATE : COPY;
  bool same = atomic_load(&s->status) == 128 + number;
  if (same && clock_monotonic() - s->first < copy) return;
  say_unwritten(s);
  _exit(128 + number);
}

static void ask_to_end(Signals *s, int number) {
  int none = 0;
  if (!atomic_compare_exchange_strong(&s->status, &none, 128 + number)) {
    end_at_once(s, number);
    return;
  }
  s->first = clock_monotonic();
  atomic_store(&s->ending->signalled, true);
  ending_ask(s->ending);
  wake_loop(s, true);
}

/* A terminal that was closed ends the process as Ctrl-C does. */
static void hang_up(Signals *s) {
  if (s->terminal && !has_terminal()) {
    ask_to_end(s, SIGINT);
    return;
  }
  atomic_store(&s->reload, true);
  wake_loop(s, false);
}

static void reopen_log(Signals *s) {
  int error = log_reopen(s->log);
  if (error)
    log_write(s->log, LOG_ERROR, "tidelock", "cannot open the log file anew: %s",
              strerror(error));
}

static void handle_signal(Signals *s, int number) {
  if (number == SIGINT || number == SIGTERM) ask_to_end(s, number);
  else if (number == SIGHUP) hang_up(s);
  else if (number == SIGUSR1) reopen_log(s);
}

/* Whether the loop had its time, after scripts, to give the database what is to be kept.
 * The thread counts moments and needs a third of them, so that a process that was stopped
 * (SIGSTOP) meanwhile still gets that time. */
static bool had_its_time(const Signals *s) {
  double kept = ending_due(s->ending) - ending_scripts_due(s->ending);
  return s->moments * MOMENT * 3 >= kept;
}

/* The process waits until its output is read, unless a signal ends it. */
static bool is_held(const Signals *s) {
  if (atomic_load(&s->ending->signalled)) return false;
  return output_left(s->output) || atomic_load(&s->ending->phase) == ENDING_CLOSED;
}

/* The kernel takes the memory of the process back after that: its time is the process's,
 * and where scripts fill their limits it is some 0.25 s on a busy machine. */
static double time_to_vanish(const Ending *e) {
  return (ending_due(e) - ending_scripts_due(e)) * 0.3;
}

static bool is_overdue(Signals *s) {
  Ending *e = s->ending;
  if (!ending_scripts_over(e)) return false;
  s->moments++;
  if (ending_left(e) > time_to_vanish(e) || !had_its_time(s) || is_held(s)) return false;
  return atomic_load(&e->phase) != ENDING_SAVING && atomic_load(&e->unsaved) == 0;
}

/* Not 0 after a function that could not be stopped. */
static int overdue_status(const Signals *s) {
  int status = atomic_load(&s->status);
  if (!status) status = atomic_load(&s->ending->status);
  return status || atomic_load(&s->ending->phase) != ENDING_SCRIPTS ? status : 1;
}

static void end_overdue(Signals *s) {
  if (!ending_take(s->ending)) return;
  size_t left = output_left(s->output);
  if (atomic_load(&s->ending->phase) == ENDING_SCRIPTS)
    output_say(
        "tidelock: a function of a script's could not be stopped in time; what was "
        "changed since the last write is not saved");
  if (left) output_say("tidelock: %zu printed bytes that nobody read are dropped", left);
  _exit(overdue_status(s));
}

static void *thread_main(void *arg) {
  Signals *s = arg;
  struct timespec a_moment = {.tv_nsec = (long)(MOMENT * 1e9)};
  struct timespec long_time = {.tv_sec = 3600};
  while (!atomic_load(&s->closing)) {
    bool ends = ending_asked(s->ending);
    int number = sigtimedwait(&s->set, NULL, ends ? &a_moment : &long_time);
    if (atomic_load(&s->closing)) break;
    bool woken = number == SIGUSR1 && atomic_exchange(&s->woken, false);
    if (number > 0 && !woken) handle_signal(s, number);
    else if (is_overdue(s)) end_overdue(s);
  }
  return NULL;
}

/* On the thread that asks for the end. */
static void wake_thread(void *ctx) {
  Signals *s = ctx;
  atomic_store(&s->woken, true);
  pthread_kill(s->thread, SIGUSR1);
}

/* --- on the loop ------------------------------------------------------------------- */

static void on_wakeup(uv_async_t *wakeup) {
  Signals *s = wakeup->data;
  int status = atomic_load(&s->status);
  if (status) runtime_interrupt(s->rt, status);
  else if (atomic_exchange(&s->reload, false)) reload_ask_all(s->rt);
}

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

void signals_attach(Signals *s, Runtime *rt) {
  uv_async_t *wakeup = xcalloc(1, sizeof *wakeup);
  uv_async_init(loop_uv(runtime_loop(rt)), wakeup, on_wakeup);
  uv_unref((uv_handle_t *)wakeup);
  wakeup->data = s;
  pthread_mutex_lock(&s->lock);
  s->rt = rt;
  s->wakeup = wakeup;
  pthread_mutex_unlock(&s->lock);
  uv_async_send(wakeup); /* for signals that came before */
}

void signals_detach(Signals *s) {
  pthread_mutex_lock(&s->lock);
  uv_close((uv_handle_t *)s->wakeup, free_handle);
  s->wakeup = NULL;
  s->rt = NULL;
  pthread_mutex_unlock(&s->lock);
}

int signals_status(const Signals *s) {
  return atomic_load(&s->status);
}

/* --- life -------------------------------------------------------------------------- */

static bool is_ignored(int number) {
  struct sigaction now;
  return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

/* A SIGHUP that was ignored when we began, by nohup for example, stays ignored. A shell
 * that starts us in the background ignores SIGINT: we do not. */
static void choose_signals(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGUSR1);
  if (!is_ignored(SIGHUP)) sigaddset(set, SIGHUP);
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigaction(SIGINT, &standard, NULL);
  sigaction(SIGTERM, &standard, NULL);
  sigaction(SIGUSR1, &standard, NULL);
}

Signals *signals_new(Ending *ending, Log *log, Output *output) {
  Signals *s = xcalloc(1, sizeof *s);
  s->ending = ending;
  s->log = log;
  s->output = output;
  s->terminal = has_terminal();
  CHECK(pthread_mutex_init(&s->lock, NULL) == 0);
  choose_signals(&s->set);
  pthread_sigmask(SIG_BLOCK, &s->set, &s->before);
  CHECK(pthread_create(&s->thread, NULL, thread_main, s) == 0);
  ending->ctx = s;
  ending->asked_now = wake_thread;
  return s;
}

void signals_free(Signals *s) {
  if (!s) return;
  s->ending->asked_now = NULL;
  atomic_store(&s->closing, true);
  pthread_kill(s->thread, SIGUSR1);
  pthread_join(s->thread, NULL);
  pthread_sigmask(SIG_SETMASK, &s->before, NULL);
  pthread_mutex_destroy(&s->lock);
  free(s);
}
