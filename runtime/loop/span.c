/* See span.h. */
#include "loop/span.h"

#include "core/clock.h"

static const double look_each = 0.2; /* seconds */

static void start_step(Span *span) {
  span->looked = loop_real_now();
  span->cpu = clock_cpu();
  timer_start(span->loop, &span->look, span->left < look_each ? span->left : look_each);
}

/* What has passed of it since the last look. */
static double read_gap(const Span *span) {
  double gap = loop_real_now() - span->looked, cpu = clock_cpu() - span->cpu;
  double most = cpu > CLOCK_LONGEST_GAP ? cpu : CLOCK_LONGEST_GAP;
  return gap < most ? gap : most;
}

static void on_look(Timer *timer) {
  Span *span = CONTAINER_OF(timer, Span, look);
  span->left -= read_gap(span);
  if (span->left > 1e-6) start_step(span);
  else if (span->over) span->over(span);
}

void span_start(Loop *loop, Span *span, double seconds) {
  span->loop = loop;
  span->look.fire = on_look;
  span->look.real = true;
  span->left = seconds;
  start_step(span);
}

void span_stop(Span *span) {
  if (span_runs(span)) timer_stop(span->loop, &span->look);
}
