/* The loop: libuv, a queue of timers over one uv_timer, and the inbox.
 *
 * Library callbacks (libuv, curl, libwebsockets, sqlite) never call Lua. They put an
 * Event into the inbox, and the loop drains it in one place, after each poll, in slices
 * of a few milliseconds: expired timers first, then events in the order they came. Code
 * that runs there (Event.run, Timer.fire) is "in dispatch": every primitive may be used,
 * and Lua is called only there. Everything here belongs to the loop's thread. */
#ifndef TIDELOCK_LOOP_LOOP_H
#define TIDELOCK_LOOP_LOOP_H

#include <uv.h>

#include "core/base.h"
#include "core/log.h"
#include "loop/clock.h"
#include "loop/timer_queue.h"

typedef struct Loop Loop;

Loop *loop_new(Log *log);   /* returns new; borrows log */
void loop_free(Loop *loop); /* CHECKs that no handle is left open: close yours first */
uv_loop_t *loop_uv(Loop *loop);
Log *loop_log(Loop *loop);

/* Runs until loop_stop. `idle` (may be NULL) is called each time the inbox is empty,
 * before the loop waits: there the runtime notices that nothing is left to wait for. */
void loop_run(Loop *loop, void (*idle)(void *ctx), void *ctx);
/* From now on `idle` is called in each turn: a flood of events does not delay the end. */
void loop_leave(Loop *loop);
void loop_stop(Loop *loop);

/* Runs the loop until no uv handle but its own is open: the last step of a teardown. */
void loop_finish(Loop *loop);

double loop_now(Loop *loop); /* of its clock: monotonic seconds, read at each call */
double loop_real_now(void);  /* of the system's: a test does not stop it */
Clock *loop_clock(Loop *loop);
/* When the first timer of its clock is due; INFINITY: there is none. */
double loop_next_due(const Loop *loop);

/* --- the inbox -------------------------------------------------------------------- */

/* Embed it in what must be delivered. The owner keeps it alive until run is called, which
 * happens exactly once for each push; run may free it or push it again. */
typedef struct Event Event;
struct Event {
  Event *next;
  void (*run)(Event *event);
};
void inbox_push(Loop *loop, Event *event);
void inbox_push_front(Loop *loop, Event *event); /* before all that wait */
bool inbox_empty(const Loop *loop);

/* Runs the event when the turn that runs now (one inbox event, or one timer) is over,
 * before the next one begins; in the order in which they were put there. */
void loop_after_turn(Loop *loop, Event *event);
uint64_t loop_turn(const Loop *loop); /* the number of the turn; it rises with each */

/* Runs once, in dispatch, when nothing else is to be done: a poll found nothing, the
 * inbox is empty and no timer is due. Embed it; one in each round, in the order in which
 * they came. */
typedef struct IdleCall IdleCall;
struct IdleCall {
  void (*run)(IdleCall *call);
  IdleCall *next, **at; /* `at` NULL: it does not wait */
};
void loop_when_idle(Loop *loop, IdleCall *call); /* it must not wait already */
void loop_idle_cancel(Loop *loop, IdleCall *call);

/* --- timers ----------------------------------------------------------------------- */

/* Embed it; a zeroed Timer with `fire` set is stopped. fire runs in dispatch; the timer
 * is stopped by then and may be started again. Starting a running timer changes its due
 * time. Timers with equal due times fire in the order they were started. */
void timer_start(Loop *loop, Timer *timer, double seconds);
void timer_start_at(Loop *loop, Timer *timer, double due);
void timer_stop(Loop *loop, Timer *timer);
static inline bool timer_active(const Timer *timer) {
  return timer->place != 0;
}

#endif
