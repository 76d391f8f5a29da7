/* Time that a running process is given: what it stands still counts 250 ms at most, what
 * it works counts whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "core/clock.h"
#include "loop/span.h"

typedef struct Fixture {
  Loop *loop;
  Span span;
  Timer pause;
  void (*spend)(double seconds);
  double given, spent, spent_at, over_at;
} Fixture;

static void on_over(Span *span) {
  Fixture *f = CONTAINER_OF(span, Fixture, span);
  assert_false(span_runs(span));
  f->over_at = clock_monotonic();
  loop_stop(f->loop);
}

static void on_pause(Timer *timer) {
  Fixture *f = CONTAINER_OF(timer, Fixture, pause);
  f->spend(f->spent);
  f->spent_at = clock_monotonic();
}

static void stand_still(double seconds) {
  nanosleep(
      &(struct timespec){(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)},
      NULL);
}

static void work(double seconds) {
  double end = clock_cpu() + seconds;
  while (clock_cpu() < end) continue;
}

/* Returns how long it was until it was over. */
static double take(Fixture *f) {
  double start = clock_monotonic();
  f->loop = loop_new(NULL);
  f->span.over = on_over;
  f->pause.fire = on_pause;
  span_start(f->loop, &f->span, f->given);
  timer_start(f->loop, &f->pause, 0.05);
  loop_run(f->loop, NULL, NULL);
  loop_finish(f->loop);
  loop_free(f->loop);
  return f->over_at - start;
}

static void a_standstill_counts_a_quarter_of_a_second(void **state) {
  (void)state;
  Fixture f = {.spend = stand_still, .given = 0.6, .spent = 1.5};
  assert_true(take(&f) > 1.5 + 0.6 - 0.3);
}

static void work_counts_whole(void **state) {
  (void)state;
  Fixture f = {.spend = work, .given = 0.6, .spent = 0.7};
  take(&f);
  assert_true(f.over_at - f.spent_at < 0.25);
}

static void it_can_be_stopped_and_begun_anew(void **state) {
  (void)state;
  Fixture f = {.spend = stand_still, .given = 0.1};
  assert_true(take(&f) > 0.09);
  f.loop = loop_new(NULL);
  span_start(f.loop, &f.span, 5);
  assert_true(span_runs(&f.span));
  span_stop(&f.span);
  assert_false(span_runs(&f.span));
  span_stop(&f.span);
  loop_finish(f.loop);
  loop_free(f.loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_standstill_counts_a_quarter_of_a_second),
      cmocka_unit_test(work_counts_whole),
      cmocka_unit_test(it_can_be_stopped_and_begun_anew),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
