/* Wakes: see wake.h. A timer of the system's that is due in the far future is cancelled
 * when the wall clock is set (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET): NTP and
 * users set it too, so each listener checks whether it missed a deadline. */
#include "loop/wake.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/boot.h"

#ifdef __linux__
#include <sys/timerfd.h>
#endif

#define SHORTEST_SLEEP 0.02 /* seconds */

struct Wakes {
  Loop *loop;
  uv_poll_t *poll; /* NULL: no listener yet, or the system has none */
  int fd;
  bool asked;   /* the system was asked for `poll` */
  double skew;  /* seconds that tests add */
  double slept; /* seconds since the system began, as last seen */
  WakeListener *first;
};

Wakes *wakes_new(Loop *loop) {
  Wakes *wakes = xcalloc(1, sizeof *wakes);
  wakes->loop = loop;
  wakes->fd = -1;
  return wakes;
}

/* The process may stand still between the two clocks: then they are read again. */
static double read_slept(void) {
  double before, boot, after;
  int tries = 0;
  do {
    before = loop_real_now();
    boot = boot_now();
    after = loop_real_now();
  } while (after - before > SHORTEST_SLEEP / 10 && ++tries < 5);
  return boot - before;
}

/* What differs by less than a sleep is the time between the two clocks, and must not make
 * ages jump. */
static double seconds_slept(Wakes *wakes) {
  double slept = boot_now() - loop_real_now();
  if (fabs(slept - wakes->slept) > SHORTEST_SLEEP) wakes->slept = read_slept();
  return wakes->slept;
}

/* The loop's clock, and what the machine slept. */
double wakes_now(Wakes *wakes) {
  return loop_now(wakes->loop) + seconds_slept(wakes) + wakes->skew;
}

/* Calls each listener once; a listener may remove itself and others meanwhile. */
static void call_listeners(Wakes *wakes) {
  WakeListener *all = wakes->first;
  wakes->first = NULL;
  if (all) all->at = &all;
  while (all) {
    WakeListener *listener = all;
    wakes_leave(listener);
    wakes_listen(wakes, listener);
    listener->woke(listener);
  }
}

void wakes_slept(Wakes *wakes, double seconds) {
  wakes->skew += seconds;
  call_listeners(wakes);
}

#ifdef __linux__
static void arm_timer(const Wakes *wakes) {
  struct itimerspec never = {.it_value.tv_sec = (time_t)1 << 40};
  timerfd_settime(wakes->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void on_set(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events;
  Wakes *wakes = poll->data;
  uint64_t count;
  if (read(wakes->fd, &count, sizeof count) < 0) arm_timer(wakes); /* ECANCELED */
  call_listeners(wakes);
}

static void ask_system(Wakes *wakes) {
  wakes->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (wakes->fd < 0) return;
  arm_timer(wakes);
  wakes->poll = xcalloc(1, sizeof *wakes->poll);
  wakes->poll->data = wakes;
  CHECK(uv_poll_init(loop_uv(wakes->loop), wakes->poll, wakes->fd) == 0);
  uv_poll_start(wakes->poll, UV_READABLE, on_set);
  uv_unref((uv_handle_t *)wakes->poll);
}
#else
static void ask_system(Wakes *wakes) {
  (void)wakes;
}
#endif

void wakes_listen(Wakes *wakes, WakeListener *listener) {
  if (listener->at) return;
  if (!wakes->asked) ask_system(wakes);
  wakes->asked = true;
  listener->next = wakes->first;
  listener->at = &wakes->first;
  if (listener->next) listener->next->at = &listener->next;
  wakes->first = listener;
}

void wakes_leave(WakeListener *listener) {
  if (!listener->at) return;
  *listener->at = listener->next;
  if (listener->next) listener->next->at = listener->at;
  listener->at = NULL;
}

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

void wakes_free(Wakes *wakes) {
  CHECK(!wakes->first);
  if (wakes->poll) {
    uv_poll_stop(wakes->poll);
    uv_close((uv_handle_t *)wakes->poll, free_handle);
  }
  if (wakes->fd >= 0) close(wakes->fd);
  free(wakes);
}
