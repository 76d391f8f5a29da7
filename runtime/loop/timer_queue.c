/* See timer_queue.h. Where a timer goes, the first that holds:
 *
 * - the lane whose last timer is due latest of those that are due no later;
 * - a lane that is empty;
 * - a lane with a single timer, which goes into the heap instead: so that few long waits
 *   (heartbeats, deadlines) do not keep the lanes from the many short ones;
 * - the heap.
 *
 * A timer knows its lane, or its place in the heap, so that stopping one needs no search.
 */
#include "loop/timer_queue.h"

#include <math.h>
#include <stdlib.h>

static bool is_before(const Timer *a, const Timer *b) {
  return a->due < b->due || (a->due == b->due && a->order < b->order);
}

/* --- the heap --------------------------------------------------------------------- */

static void put_at(TimerQueue *q, size_t i, Timer *timer) {
  q->heap[i] = timer;
  timer->place = (uint32_t)(LANES + 1 + i);
}

static void sift_up(TimerQueue *q, size_t i, Timer *timer) {
  while (i > 0) {
    size_t parent = (i - 1) / 2;
    if (!is_before(timer, q->heap[parent])) break;
    put_at(q, i, q->heap[parent]);
    i = parent;
  }
  put_at(q, i, timer);
}

static void sift_down(TimerQueue *q, size_t i, Timer *timer) {
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= q->heaped) break;
    if (child + 1 < q->heaped && is_before(q->heap[child + 1], q->heap[child])) child++;
    if (!is_before(q->heap[child], timer)) break;
    put_at(q, i, q->heap[child]);
    i = child;
  }
  put_at(q, i, timer);
}

static void heap_add(TimerQueue *q, Timer *timer) {
  if (q->heaped == q->room) {
    q->room = q->room ? q->room * 2 : 16;
    q->heap = xrealloc(q->heap, q->room * sizeof *q->heap);
  }
  sift_up(q, q->heaped++, timer);
}

static void heap_remove(TimerQueue *q, size_t i) {
  Timer *moved = q->heap[--q->heaped];
  if (i == q->heaped) return;
  if (i > 0 && is_before(moved, q->heap[(i - 1) / 2])) sift_up(q, i, moved);
  else sift_down(q, i, moved);
}

/* --- the lanes -------------------------------------------------------------------- */

static void lane_add(TimerQueue *q, size_t i, Timer *timer) {
  Lane *lane = &q->lanes[i];
  timer->place = (uint32_t)i + 1;
  timer->prev = lane->last;
  timer->next = NULL;
  if (lane->last) lane->last->next = timer;
  else lane->first = timer;
  lane->last = timer;
}

static void lane_remove(Lane *lane, Timer *timer) {
  if (timer->prev) timer->prev->next = timer->next;
  else lane->first = timer->next;
  if (timer->next) __builtin_prefetch(timer->next->next);
  if (timer->next) timer->next->prev = timer->prev;
  else lane->last = timer->prev;
}

static double last_due(const Lane *lane) {
  return lane->last ? lane->last->due : -INFINITY;
}

/* The lane that this due time continues best; LANES: none does. */
static size_t find_lane(const TimerQueue *q, double due) {
  size_t best = LANES;
  for (size_t i = 0; i < LANES; i++) {
    double last = last_due(&q->lanes[i]);
    if (last <= due && (best == LANES || last > last_due(&q->lanes[best]))) best = i;
  }
  return best;
}

/* Empties the lane with a single timer that is due last; LANES: there is none. */
static size_t clear_lane(TimerQueue *q) {
  size_t best = LANES;
  for (size_t i = 0; i < LANES; i++) {
    Timer *only = q->lanes[i].first;
    if (only && !only->next && (best == LANES || only->due > last_due(&q->lanes[best])))
      best = i;
  }
  if (best == LANES) return LANES;
  heap_add(q, q->lanes[best].first);
  q->lanes[best] = (Lane){0};
  return best;
}

/* --- the queue -------------------------------------------------------------------- */

void timer_queue_add(TimerQueue *q, Timer *timer, double due) {
  CHECK(timer->place == 0 && !isnan(due));
  timer->due = due;
  timer->order = q->order++;
  q->count++;
  size_t lane = find_lane(q, due);
  if (lane == LANES) lane = clear_lane(q);
  if (lane == LANES) heap_add(q, timer);
  else lane_add(q, lane, timer);
}

void timer_queue_remove(TimerQueue *q, Timer *timer) {
  size_t place = timer->place;
  if (place == 0) return;
  timer->place = 0;
  q->count--;
  if (place <= LANES) {
    lane_remove(&q->lanes[place - 1], timer);
    return;
  }
  size_t i = place - LANES - 1;
  CHECK(i < q->heaped && q->heap[i] == timer);
  heap_remove(q, i);
}

Timer *timer_queue_first(const TimerQueue *q) {
  if (q->count == 0) return NULL;
  Timer *first = q->heaped ? q->heap[0] : NULL;
  for (size_t i = 0; i < LANES; i++) {
    Timer *timer = q->lanes[i].first;
    if (timer && (!first || is_before(timer, first))) first = timer;
  }
  return first;
}

void timer_queue_free(TimerQueue *q) {
  CHECK(timer_queue_first(q) == NULL);
  free(q->heap);
  *q = (TimerQueue){0};
}
