/* A time that a running process is given: grace, probation. While it stands still (it is
 * stopped, or gets no processor) nothing of it passes: of a gap between two looks 250 ms
 * count at most, or the processor time that the loop's thread used in it, if that is
 * more. Embed it. Loop thread only. */
#ifndef TIDELOCK_LOOP_SPAN_H
#define TIDELOCK_LOOP_SPAN_H

#include "loop/loop.h"

/* Zeroed: it does not run. */
typedef struct Span Span;
struct Span {
  void (*over)(Span *span); /* by then it has stopped; may be NULL */
  Loop *loop;
  Timer look;
  double left, looked, cpu; /* seconds */
};

/* Begins, anew if it runs. */
void span_start(Loop *loop, Span *span, double seconds);
void span_stop(Span *span);
static inline bool span_runs(const Span *span) {
  return timer_active(&span->look);
}

#endif
