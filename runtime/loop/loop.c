/* The loop. How one round of it goes:
 *
 * - Prepare: if the inbox holds something, an idle handle is started, so that the poll
 *   does not wait. Else `idle` is called, and the one uv_timer is set to the next due
 *   time.
 *
 * - Poll: libuv calls the libraries' callbacks, which push events.
 *
 * - Check: drain_inbox runs expired timers for SLICE seconds at most, then events for as
 *   long. The rest waits for the next round, after another poll. So a flood of events
 *   does not starve timers or I/O, nor a flood of timers events.
 *
 * Reading the clock costs a thirtieth of an event. Where events and timers are quick it
 * is read every STRIDE of them, where they are slow after each; when it is read, expired
 * timers go before the events that still wait.
 */
#include "loop/loop.h"

#include <math.h>
#include <stdlib.h>

#define SLICE 0.004
#define QUICK 0.0002 /* a stride that took longer is cut down to one step */
enum { STRIDE = 16 };

struct Loop {
  uv_loop_t uv;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t spin;
  uv_timer_t wake;
  Log *log;
  Event *first, **last;
  Event *after, **after_last;    /* run at the end of the turn */
  IdleCall *quiet, **quiet_last; /* wait until nothing is to be done */
  uint64_t turn;
  Clock clock;
  TimerQueue timers, real; /* by its clock, and by the system's */
  double armed;            /* due time that `wake` is set to; INFINITY: not set */
  void (*idle)(void *ctx);
  void *idle_ctx;
  bool leaving; /* `idle` is called also while the inbox holds events */
};

double loop_now(Loop *loop) {
  return clock_at(&loop->clock, clock_real());
}

double loop_real_now(void) {
  return clock_real();
}

Clock *loop_clock(Loop *loop) {
  return &loop->clock;
}

uv_loop_t *loop_uv(Loop *loop) {
  return &loop->uv;
}

Log *loop_log(Loop *loop) {
  return loop->log;
}

/* --- the inbox -------------------------------------------------------------------- */

void inbox_push(Loop *loop, Event *event) {
  event->next = NULL;
  *loop->last = event;
  loop->last = &event->next;
}

void inbox_push_front(Loop *loop, Event *event) {
  event->next = loop->first;
  loop->first = event;
  if (!event->next) loop->last = &event->next;
}

void loop_after_turn(Loop *loop, Event *event) {
  event->next = NULL;
  *loop->after_last = event;
  loop->after_last = &event->next;
}

uint64_t loop_turn(const Loop *loop) {
  return loop->turn;
}

static void end_turn(Loop *loop) {
  while (loop->after) {
    Event *event = loop->after;
    loop->after = event->next;
    if (!loop->after) loop->after_last = &loop->after;
    event->run(event);
  }
  loop->turn++;
}

bool inbox_empty(const Loop *loop) {
  return loop->first == NULL;
}

static Event *inbox_pop(Loop *loop) {
  Event *event = loop->first;
  if (!event) return NULL;
  loop->first = event->next;
  if (!loop->first) loop->last = &loop->first;
  return event;
}

/* --- when idle -------------------------------------------------------------------- */

void loop_when_idle(Loop *loop, IdleCall *call) {
  CHECK(call->run != NULL && call->at == NULL);
  call->next = NULL;
  call->at = loop->quiet_last;
  *call->at = call;
  loop->quiet_last = &call->next;
}

void loop_idle_cancel(Loop *loop, IdleCall *call) {
  if (!call->at) return;
  *call->at = call->next;
  if (call->next) call->next->at = call->at;
  else loop->quiet_last = call->at;
  call->at = NULL;
}

/* --- timers ----------------------------------------------------------------------- */

static TimerQueue *queue_of(Loop *loop, const Timer *timer) {
  return timer->real ? &loop->real : &loop->timers;
}

void timer_stop(Loop *loop, Timer *timer) {
  timer_queue_remove(queue_of(loop, timer), timer);
}

void timer_start_at(Loop *loop, Timer *timer, double due) {
  CHECK(timer->fire != NULL);
  timer_stop(loop, timer);
  timer_queue_add(queue_of(loop, timer), timer, due);
}

void timer_start(Loop *loop, Timer *timer, double seconds) {
  double now = timer->real ? loop_real_now() : loop_now(loop);
  double due = now + (seconds > 0 ? seconds : 0);
  /* Less than the clock can tell apart is still some time: else who waits for the rest of
   * a time, again and again, would wait for ever where a test's clock stands. */
  if (seconds > 0 && due == now) due = nextafter(now, INFINITY);
  timer_start_at(loop, timer, due);
}

double loop_next_due(const Loop *loop) {
  const Timer *first = timer_queue_first(&loop->timers);
  return first ? first->due : INFINITY;
}

/* When the first of all is due by the system's clock; INFINITY: none will be. */
static double next_real_due(const Loop *loop) {
  const Clock *clock = &loop->clock;
  const Timer *real = timer_queue_first(&loop->real);
  double due = clock->stopped ? INFINITY : loop_next_due(loop) - clock->ahead;
  return real ? fmin(due, real->due) : due;
}

/* The first that is due when the system's clock says `now`; NULL: none is. */
static Timer *first_due(const Loop *loop, double now) {
  const Clock *clock = &loop->clock;
  Timer *timer = timer_queue_first(&loop->timers);
  Timer *real = timer_queue_first(&loop->real);
  if (timer && timer->due > clock_at(clock, now)) timer = NULL;
  if (real && real->due > now) real = NULL;
  if (!timer || !real) return timer ? timer : real;
  return !clock->stopped && timer->due - clock->ahead <= real->due ? timer : real;
}

/* --- turning ---------------------------------------------------------------------- */

typedef struct Pace {
  Loop *loop;
  double now, end;
  int stride, left; /* steps between two looks at the clock, and to the next */
} Pace;

/* After each timer and event; true when it has read the clock. */
static bool count_step(Pace *pace) {
  if (--pace->left > 0) return false;
  double before = pace->now;
  pace->now = loop_real_now();
  pace->stride = pace->now - before > QUICK ? 1
                 : pace->stride < STRIDE    ? pace->stride * 2
                                            : STRIDE;
  pace->left = pace->stride;
  return true;
}

/* Fires the timers due by now. One that is started meanwhile and due later waits. */
static void fire_due(Pace *pace) {
  Loop *loop = pace->loop;
  double now = pace->now;
  for (Timer *timer; (timer = first_due(loop, now));) {
    timer_stop(loop, timer);
    timer->fire(timer);
    end_turn(loop);
    if (count_step(pace) && pace->now >= pace->end) return;
  }
}

/* The poll of this round has found nothing either. */
static void run_idle_call(Loop *loop, double now) {
  IdleCall *call = loop->quiet;
  if (!call || !inbox_empty(loop) || first_due(loop, now)) return;
  loop_idle_cancel(loop, call);
  call->run(call);
  end_turn(loop);
}

static void drain_inbox(Loop *loop) {
  double now = loop_real_now();
  run_idle_call(loop, now);
  Pace pace = {loop, now, now + SLICE, 1, 1};
  fire_due(&pace);
  pace.end = pace.now + SLICE;
  while (pace.now < pace.end) {
    Event *event = inbox_pop(loop);
    if (!event) return;
    event->run(event);
    end_turn(loop);
    if (count_step(&pace)) fire_due(&pace);
  }
}

static void on_wake(uv_timer_t *wake) {
  Loop *loop = wake->data;
  loop->armed = INFINITY;
}

static void on_spin(uv_idle_t *spin) {
  (void)spin; /* while it is active the poll does not wait */
}

/* Whether the poll must not wait. */
static bool has_work(Loop *loop) {
  return !inbox_empty(loop) || loop->quiet || first_due(loop, loop_real_now());
}

static void arm_timer(Loop *loop) {
  double due = next_real_due(loop);
  if (due == loop->armed) return;
  loop->armed = due;
  if (isinf(due)) {
    uv_timer_stop(&loop->wake);
    return;
  }
  double wait = ceil((due - loop_real_now()) * 1000);
  uv_update_time(&loop->uv);
  uv_timer_start(&loop->wake, on_wake, wait > 0 ? (uint64_t)fmin(wait, 1e12) : 0, 0);
}

static void on_prepare(uv_prepare_t *prepare) {
  Loop *loop = prepare->data;
  if (loop->idle && (inbox_empty(loop) || loop->leaving)) loop->idle(loop->idle_ctx);
  if (has_work(loop)) {
    uv_idle_start(&loop->spin, on_spin);
    return;
  }
  uv_idle_stop(&loop->spin);
  arm_timer(loop);
}

static void on_check(uv_check_t *check) {
  drain_inbox(check->data);
}

/* --- life ------------------------------------------------------------------------- */

Loop *loop_new(Log *log) {
  Loop *loop = xcalloc(1, sizeof *loop);
  loop->log = log;
  loop->last = &loop->first;
  loop->after_last = &loop->after;
  loop->quiet_last = &loop->quiet;
  loop->armed = INFINITY;
  CHECK(uv_loop_init(&loop->uv) == 0);
  uv_prepare_init(&loop->uv, &loop->prepare);
  uv_check_init(&loop->uv, &loop->check);
  uv_idle_init(&loop->uv, &loop->spin);
  uv_timer_init(&loop->uv, &loop->wake);
  loop->prepare.data = loop->check.data = loop->wake.data = loop;
  uv_prepare_start(&loop->prepare, on_prepare);
  uv_check_start(&loop->check, on_check);
  return loop;
}

void loop_run(Loop *loop, void (*idle)(void *ctx), void *ctx) {
  loop->idle = idle;
  loop->idle_ctx = ctx;
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  loop->idle = NULL;
}

void loop_leave(Loop *loop) {
  loop->leaving = true;
}

void loop_stop(Loop *loop) {
  uv_stop(&loop->uv);
  uv_idle_start(&loop->spin, on_spin); /* so that a poll about to begin does not wait */
}

/* Unreferenced, our own handles do not keep uv_run going: it returns when every foreign
 * one is closed, or at once after loop_stop; the events that came meanwhile may have
 * opened and closed others. */
void loop_finish(Loop *loop) {
  uv_handle_t *own[] = {(uv_handle_t *)&loop->prepare, (uv_handle_t *)&loop->check,
                        (uv_handle_t *)&loop->spin, (uv_handle_t *)&loop->wake};
  for (size_t i = 0; i < COUNT_OF(own); i++) uv_unref(own[i]);
  do {
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    while (!inbox_empty(loop)) drain_inbox(loop);
  } while (uv_loop_alive(&loop->uv));
  for (size_t i = 0; i < COUNT_OF(own); i++) uv_ref(own[i]);
}

void loop_free(Loop *loop) {
  CHECK(inbox_empty(loop) && !loop->quiet);
  uv_close((uv_handle_t *)&loop->prepare, NULL);
  uv_close((uv_handle_t *)&loop->check, NULL);
  uv_close((uv_handle_t *)&loop->spin, NULL);
  uv_close((uv_handle_t *)&loop->wake, NULL);
  /* The first run does nothing if loop_stop was called since the last. */
  for (int i = 0; i < 2; i++) uv_run(&loop->uv, UV_RUN_NOWAIT);
  CHECK(uv_loop_close(&loop->uv) == 0);
  timer_queue_free(&loop->timers);
  timer_queue_free(&loop->real);
  free(loop);
}
