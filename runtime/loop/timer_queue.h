/* Timers by due time: which is next. It knows no clock and no loop.
 *
 * Most timers are started in the order in which they fall due: all that wait for the same
 * number of seconds are. Such timers stand in a lane, a list whose due times only rise,
 * where starting, stopping and taking the first cost the same however many there are.
 * LANES lanes serve as many lengths at once; a timer that fits into none is put into a
 * binary heap.
 *
 * The queue owns the heap's array and borrows the timers, which are embedded in what
 * starts them. The loop's thread. */
#ifndef TIDELOCK_LOOP_TIMER_QUEUE_H
#define TIDELOCK_LOOP_TIMER_QUEUE_H

#include "core/base.h"

/* A zeroed Timer with `fire` set is stopped. */
typedef struct Timer Timer;
struct Timer {
  void (*fire)(Timer *timer);
  double due;         /* monotonic seconds */
  uint64_t order;     /* of equal due times the lower one is first */
  uint32_t place;     /* 0: stopped; 1 to LANES: in that lane; above: in the heap */
  bool real;          /* goes by the system's clock, whatever a test does: see clock.h */
  Timer *prev, *next; /* in its lane */
};

enum { LANES = 4 };

typedef struct Lane {
  Timer *first, *last;
} Lane;

/* Zeroed it is empty. */
typedef struct TimerQueue {
  Lane lanes[LANES];
  size_t count; /* of all timers */
  Timer **heap;
  size_t heaped, room;
  uint64_t order;
} TimerQueue;

/* The timer must be stopped, its due time a number. */
void timer_queue_add(TimerQueue *queue, Timer *timer, double due);
void timer_queue_remove(TimerQueue *queue, Timer *timer); /* harmless when stopped */
Timer *timer_queue_first(const TimerQueue *queue);        /* borrows; NULL: empty */
void timer_queue_free(TimerQueue *queue);                 /* it must be empty */

#endif
