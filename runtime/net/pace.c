/* See pace.h. Two queues, of those that wait and those under way, each in order of time,
 * and an allowance of beginnings that fills up as time goes by. One timer waits for
 * whatever comes first: the next beginning that is allowed, or the oldest attempt to have
 * taken long. Attempts begin from the timer, never from within pace_done. */
#include "net/pace.h"

#include <math.h>
#include <stdlib.h>

struct Pace {
  Loop *loop;
  PaceQueue waiting, under_way;
  size_t count;     /* under way */
  double allowance; /* as of `at` */
  double at;
  Timer timer;
};

/* --- queues ----------------------------------------------------------------------- */

static void append_turn(PaceQueue *queue, PaceTurn *turn) {
  turn->in = queue;
  turn->next = NULL;
  turn->prev = queue->last;
  if (queue->last) queue->last->next = turn;
  else queue->first = turn;
  queue->last = turn;
}

static void take_out(PaceTurn *turn) {
  PaceQueue *queue = turn->in;
  if (turn->prev) turn->prev->next = turn->next;
  else queue->first = turn->next;
  if (turn->next) turn->next->prev = turn->prev;
  else queue->last = turn->prev;
  turn->in = NULL;
}

/* --- beginning -------------------------------------------------------------------- */

static void leave_queue(Pace *pace, PaceTurn *turn) {
  if (turn->in == &pace->under_way) pace->count--;
  take_out(turn);
}

static void forget_slow(Pace *pace, double now) {
  PaceTurn *turn;
  while ((turn = pace->under_way.first) && turn->since + PACE_COUNTS <= now)
    leave_queue(pace, turn);
}

static void refill_allowance(Pace *pace, double now) {
  double more = (now - pace->at) * PACE_PER_SECOND;
  pace->allowance = fmin(pace->allowance + more, PACE_UNDER_WAY);
  pace->at = now;
}

static bool may_begin(const Pace *pace) {
  return pace->count < PACE_UNDER_WAY && pace->allowance >= 1;
}

static void begin_turn(Pace *pace, PaceTurn *turn) {
  pace->allowance -= 1;
  pace->count++;
  turn->since = pace->at;
  append_turn(&pace->under_way, turn);
  turn->go(turn);
}

/* A little is added, so that the allowance is whole by then whatever is rounded. */
static void arm_pace(Pace *pace) {
  double due = pace->at + (1 - pace->allowance) / PACE_PER_SECOND + 1e-6;
  if (pace->count >= PACE_UNDER_WAY) due = pace->under_way.first->since + PACE_COUNTS;
  if (pace->waiting.first) timer_start_at(pace->loop, &pace->timer, due);
  else timer_stop(pace->loop, &pace->timer);
}

static void look_at_clock(Pace *pace) {
  double now = loop_now(pace->loop);
  forget_slow(pace, now);
  refill_allowance(pace, now);
}

static void on_timer(Timer *timer) {
  Pace *pace = CONTAINER_OF(timer, Pace, timer);
  look_at_clock(pace);
  while (pace->waiting.first && may_begin(pace)) {
    PaceTurn *turn = pace->waiting.first;
    take_out(turn);
    begin_turn(pace, turn);
  }
  arm_pace(pace);
}

void pace_ask(Pace *pace, PaceTurn *turn) {
  if (turn->in) return;
  look_at_clock(pace);
  if (!pace->waiting.first && may_begin(pace)) {
    begin_turn(pace, turn);
    return;
  }
  append_turn(&pace->waiting, turn);
  arm_pace(pace);
}

void pace_done(Pace *pace, PaceTurn *turn) {
  if (!turn->in) return;
  leave_queue(pace, turn);
  arm_pace(pace);
}

bool pace_waits(const Pace *pace, const PaceTurn *turn) {
  return turn->in == &pace->waiting;
}

/* --- life ------------------------------------------------------------------------- */

Pace *pace_new(Loop *loop) {
  Pace *pace = xcalloc(1, sizeof *pace);
  pace->loop = loop;
  pace->timer.fire = on_timer;
  pace->allowance = PACE_UNDER_WAY;
  pace->at = loop_now(loop);
  return pace;
}

void pace_free(Pace *pace) {
  CHECK(!pace->waiting.first && !pace->under_way.first);
  timer_stop(pace->loop, &pace->timer);
  free(pace);
}
