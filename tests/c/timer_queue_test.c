/* The queue of timers, beside a plain list that is searched: the same order, whatever is
 * started and stopped when. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "loop/timer_queue.h"

enum { MANY = 300, STEPS = 40000 };

/* The queue, and what the plain list knows of each timer. */
typedef struct Fixture {
  TimerQueue queue;
  Timer timers[MANY];
  double due[MANY];
  uint64_t started[MANY]; /* 0: stopped */
  uint64_t count, seed;
} Fixture;

static int new_queue(void **state) {
  Fixture *f = xcalloc(1, sizeof *f);
  f->seed = 7;
  return *state = f, 0;
}

static int free_queue(void **state) {
  Fixture *f = *state;
  for (int i = 0; i < MANY; i++) timer_queue_remove(&f->queue, &f->timers[i]);
  timer_queue_free(&f->queue);
  free(f);
  return 0;
}

static uint64_t random_below(Fixture *f, uint64_t limit) {
  f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
  return (f->seed >> 33) % limit;
}

static void start(Fixture *f, size_t i, double due) {
  timer_queue_remove(&f->queue, &f->timers[i]);
  timer_queue_add(&f->queue, &f->timers[i], due);
  f->due[i] = due;
  f->started[i] = ++f->count;
}

static void stop(Fixture *f, size_t i) {
  timer_queue_remove(&f->queue, &f->timers[i]);
  f->started[i] = 0;
}

/* The timer that is first by the plain list; NULL: none runs. */
static Timer *search_first(Fixture *f) {
  size_t best = MANY;
  for (size_t i = 0; i < MANY; i++) {
    if (!f->started[i]) continue;
    if (best == MANY || f->due[i] < f->due[best] ||
        (f->due[i] == f->due[best] && f->started[i] < f->started[best]))
      best = i;
  }
  return best == MANY ? NULL : &f->timers[best];
}

static size_t expect_first(Fixture *f) {
  Timer *first = timer_queue_first(&f->queue);
  assert_ptr_equal(first, search_first(f));
  return first ? (size_t)(first - f->timers) : MANY;
}

typedef double DueTime(Fixture *f, double now);

/* Starts, stops, moves and fires at random, with due times of one kind. */
static void play(Fixture *f, DueTime *due) {
  double now = 0;
  for (int step = 0; step < STEPS; step++) {
    size_t i = random_below(f, MANY);
    if (random_below(f, 8) < 5) start(f, i, due(f, now));
    else if (random_below(f, 3) == 0) stop(f, i);
    size_t first = expect_first(f);
    if (first == MANY || random_below(f, 2)) continue;
    if (f->due[first] > now) now = f->due[first];
    stop(f, first);
    expect_first(f);
  }
}

static double same_wait(Fixture *f, double now) {
  (void)f;
  return now + 1;
}

static double three_waits(Fixture *f, double now) {
  static const double waits[] = {0.001, 1, 25};
  return now + waits[random_below(f, COUNT_OF(waits))];
}

static double any_wait(Fixture *f, double now) {
  return now + (double)random_below(f, 1000);
}

static double falling(Fixture *f, double now) {
  (void)now;
  return -(double)f->count;
}

static double odd_waits(Fixture *f, double now) {
  static const double waits[] = {0, -1, 0.5, INFINITY, -INFINITY, 1e300};
  return random_below(f, 2) ? now : waits[random_below(f, COUNT_OF(waits))];
}

static void timers_of_one_length(void **state) {
  play(*state, same_wait);
}

static void timers_of_three_lengths(void **state) {
  play(*state, three_waits);
}

static void timers_of_any_length(void **state) {
  play(*state, any_wait);
}

static void timers_each_due_before_the_last(void **state) {
  play(*state, falling);
}

static void timers_due_at_once_or_never(void **state) {
  play(*state, odd_waits);
}

static size_t lanes_in_use(const Fixture *f) {
  size_t used = 0;
  for (size_t i = 0; i < LANES; i++) used += f->queue.lanes[i].first != NULL;
  return used;
}

static void rising_due_times_need_one_lane(void **state) {
  Fixture *f = *state;
  for (size_t i = 0; i < MANY; i++) start(f, i, (double)(i / 3));
  assert_int_equal(lanes_in_use(f), 1);
  assert_int_equal(f->queue.heaped, 0);
}

/* More long waits than lanes: the short ones, which are many, still get a lane. */
static void long_waits_do_not_keep_the_lanes(void **state) {
  Fixture *f = *state;
  for (size_t i = 0; i < 2 * LANES; i++) start(f, i, 1000 - (double)i);
  for (size_t i = 2 * LANES; i < MANY; i++) start(f, i, (double)i / MANY);
  assert_in_range(f->queue.heaped, 1, 2 * LANES);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(timers_of_one_length, new_queue, free_queue),
      cmocka_unit_test_setup_teardown(timers_of_three_lengths, new_queue, free_queue),
      cmocka_unit_test_setup_teardown(timers_of_any_length, new_queue, free_queue),
      cmocka_unit_test_setup_teardown(timers_each_due_before_the_last, new_queue,
                                      free_queue),
      cmocka_unit_test_setup_teardown(timers_due_at_once_or_never, new_queue, free_queue),
      cmocka_unit_test_setup_teardown(rising_due_times_need_one_lane, new_queue,
                                      free_queue),
      cmocka_unit_test_setup_teardown(long_waits_do_not_keep_the_lanes, new_queue,
                                      free_queue),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
