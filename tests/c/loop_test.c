/* The loop: timers in order, events in order, nothing starved, a clean end. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/loop.h"

enum { MANY = 100000 };

/* What one test shares with its callbacks; each callback finds it from its own struct. */
typedef struct Fixture {
  Loop *loop;
  char seen[64];
  size_t count;
} Fixture;

typedef struct NamedTimer {
  Timer timer;
  Fixture *f;
  char name;
  struct NamedTimer *other;
} NamedTimer;

typedef struct NamedEvent {
  Event event;
  Fixture *f;
  char name;
  int again;
} NamedEvent;

static int new_loop(void **state) {
  Fixture *f = xcalloc(1, sizeof *f);
  f->loop = loop_new(NULL);
  return *state = f, 0;
}

static int free_loop(void **state) {
  Fixture *f = *state;
  loop_finish(f->loop);
  loop_free(f->loop);
  free(f);
  return 0;
}

static void note(Fixture *f, char name) {
  assert_true(f->count < sizeof f->seen - 1);
  f->seen[f->count++] = name;
}

static void note_timer(Timer *timer) {
  NamedTimer *t = CONTAINER_OF(timer, NamedTimer, timer);
  assert_false(timer_active(timer));
  note(t->f, t->name);
}

static void note_event(Event *event) {
  NamedEvent *e = CONTAINER_OF(event, NamedEvent, event);
  note(e->f, e->name);
  if (e->again-- > 0) inbox_push(e->f->loop, event);
}

static void stop_loop(Timer *timer) {
  loop_stop(CONTAINER_OF(timer, NamedTimer, timer)->f->loop);
}

/* Runs until a timer of that delay has fired. */
static void run_for(Fixture *f, double seconds) {
  NamedTimer end = {.timer.fire = stop_loop, .f = f};
  timer_start(f->loop, &end.timer, seconds);
  loop_run(f->loop, NULL, NULL);
  timer_stop(f->loop, &end.timer);
}

/* --- timers ----------------------------------------------------------------------- */

static void timers_fire_in_order(void **state) {
  Fixture *f = *state;
  static const double delays[] = {0.006, 0.002, 0.004, 0.002, 0, -1};
  NamedTimer t[COUNT_OF(delays)];
  double now = loop_now(f->loop);
  for (size_t i = 0; i < COUNT_OF(t); i++) {
    t[i] = (NamedTimer){.timer.fire = note_timer, .f = f, .name = (char)('a' + i)};
    timer_start_at(f->loop, &t[i].timer, now + delays[i]);
    assert_true(timer_active(&t[i].timer));
  }
  run_for(f, 0.008);
  assert_string_equal(f->seen, "febdca");
}

static void timers_are_not_early(void **state) {
  Fixture *f = *state;
  for (int i = 1; i <= 5; i++) {
    double delay = 0.0013 * i, began = loop_now(f->loop);
    run_for(f, delay);
    double took = loop_now(f->loop) - began;
    assert_true(took >= delay && took < delay + 1);
  }
}

static void stop_other(Timer *timer) {
  NamedTimer *t = CONTAINER_OF(timer, NamedTimer, timer);
  note_timer(timer);
  timer_stop(t->f->loop, &t->other->timer);
}

static void timers_stop_and_move(void **state) {
  Fixture *f = *state;
  NamedTimer a = {.timer.fire = note_timer, .f = f, .name = 'a'}, b = a, c = a, d = a;
  b.name = 'b', c.name = 'c', d.name = 'd';
  c.timer.fire = stop_other, c.other = &d;
  timer_stop(f->loop, &a.timer);
  double now = loop_now(f->loop);
  timer_start_at(f->loop, &a.timer, now + 0.001);
  timer_start_at(f->loop, &b.timer, now + 0.002);
  timer_start_at(f->loop, &c.timer, now + 0.003);
  timer_start_at(f->loop, &d.timer, now + 0.003);
  timer_start_at(f->loop, &a.timer, now + 0.004);
  timer_stop(f->loop, &b.timer);
  timer_stop(f->loop, &b.timer);
  assert_false(timer_active(&b.timer));
  run_for(f, 0.006);
  assert_string_equal(f->seen, "ca");
  assert_false(timer_active(&d.timer));
}

static void endless_timers_may_be_stopped(void **state) {
  Fixture *f = *state;
  NamedTimer never = {.timer.fire = note_timer, .f = f, .name = 'n'};
  timer_start(f->loop, &never.timer, INFINITY);
  run_for(f, 0.001);
  assert_true(timer_active(&never.timer));
  timer_stop(f->loop, &never.timer);
  assert_string_equal(f->seen, "");
}

typedef struct Crowd {
  Fixture *f;
  double last;
  size_t fired, expected;
} Crowd;

typedef struct CrowdTimer {
  Timer timer;
  Crowd *crowd;
} CrowdTimer;

static void crowd_fire(Timer *timer) {
  Crowd *crowd = CONTAINER_OF(timer, CrowdTimer, timer)->crowd;
  assert_true(timer->due >= crowd->last);
  crowd->last = timer->due;
  if (++crowd->fired == crowd->expected) loop_stop(crowd->f->loop);
}

static void crowds_fire_in_order(void **state) {
  Fixture *f = *state;
  Crowd crowd = {.f = f, .expected = MANY / 2};
  CrowdTimer *t = xcalloc(MANY, sizeof *t);
  uint32_t seed = 1;
  double now = loop_now(f->loop);
  for (int i = 0; i < MANY; i++) {
    seed = seed * 1664525 + 1013904223;
    t[i] = (CrowdTimer){{.fire = crowd_fire}, &crowd};
    timer_start_at(f->loop, &t[i].timer, now + (seed >> 8) * 1e-9);
  }
  for (int i = 0; i < MANY; i += 2) timer_stop(f->loop, &t[i].timer);
  loop_run(f->loop, NULL, NULL);
  assert_int_equal(crowd.fired, crowd.expected);
  free(t);
}

/* --- events ----------------------------------------------------------------------- */

static void stop_when_empty(void *ctx) {
  Fixture *f = ctx;
  assert_true(inbox_empty(f->loop));
  loop_stop(f->loop);
}

static void events_come_in_order(void **state) {
  Fixture *f = *state;
  NamedEvent e[4];
  for (int i = 0; i < 4; i++)
    e[i] = (NamedEvent){{.run = note_event}, f, (char)('a' + i), i == 1 ? 2 : 0};
  assert_true(inbox_empty(f->loop));
  for (int i = 0; i < 3; i++) inbox_push(f->loop, &e[i].event);
  inbox_push_front(f->loop, &e[3].event);
  assert_false(inbox_empty(f->loop));
  loop_run(f->loop, stop_when_empty, f);
  assert_string_equal(f->seen, "dabcbb");
}

static void the_first_may_be_pushed_in_front(void **state) {
  Fixture *f = *state;
  NamedEvent a = {{.run = note_event}, f, 'a', 0}, b = {{.run = note_event}, f, 'b', 0};
  inbox_push_front(f->loop, &a.event);
  inbox_push(f->loop, &b.event);
  loop_run(f->loop, stop_when_empty, f);
  assert_string_equal(f->seen, "ab");
}

static void idle_is_asked_before_each_wait(void **state) {
  Fixture *f = *state;
  loop_run(f->loop, stop_when_empty, f);
  NamedEvent a = {{.run = note_event}, f, 'a', 1};
  inbox_push(f->loop, &a.event);
  loop_run(f->loop, stop_when_empty, f);
  assert_string_equal(f->seen, "aa");
}

typedef struct Endless {
  Event event;
  Loop *loop;
  int runs, asked;
} Endless;

static void run_again(Event *event) {
  Endless *e = CONTAINER_OF(event, Endless, event);
  if (++e->runs == 1000) loop_leave(e->loop);
  if (e->runs < 10000000) inbox_push(e->loop, event);
  else loop_stop(e->loop);
}

static void stop_when_asked(void *ctx) {
  Endless *e = ctx;
  e->asked = e->runs;
  loop_stop(e->loop);
}

static void who_leaves_is_asked_though_there_is_more(void **state) {
  Fixture *f = *state;
  Endless e = {.event.run = run_again, .loop = f->loop};
  inbox_push(f->loop, &e.event);
  loop_run(f->loop, stop_when_asked, &e);
  assert_in_range(e.asked, 1000, 9999999);
  e.runs = 10000000; /* what is left ends it */
  loop_run(f->loop, NULL, NULL);
  assert_true(inbox_empty(f->loop));
}

static void stopping_keeps_what_waits(void **state) {
  Fixture *f = *state;
  NamedTimer now = {.timer.fire = stop_loop, .f = f};
  NamedEvent a = {{.run = note_event}, f, 'a', 40};
  inbox_push(f->loop, &a.event);
  timer_start(f->loop, &now.timer, 0);
  loop_run(f->loop, NULL, NULL);
  loop_run(f->loop, stop_when_empty, f);
  assert_int_equal(f->count, 41);
}

/* --- when nothing is to be done ---------------------------------------------------- */

typedef struct NamedIdle {
  IdleCall idle;
  Fixture *f;
  char name;
} NamedIdle;

static void note_idle(IdleCall *idle) {
  NamedIdle *i = CONTAINER_OF(idle, NamedIdle, idle);
  assert_true(inbox_empty(i->f->loop));
  note(i->f, i->name);
}

/* In their order, behind all events and due timers; one that is cancelled never. */
static void idle_calls_come_when_nothing_is_to_be_done(void **state) {
  Fixture *f = *state;
  NamedIdle x = {{.run = note_idle}, f, 'x'}, y = {{.run = note_idle}, f, 'y'}, z = y;
  NamedEvent a = {{.run = note_event}, f, 'a', 5};
  NamedTimer t = {.timer.fire = note_timer, .f = f, .name = 't'};
  loop_when_idle(f->loop, &x.idle);
  loop_when_idle(f->loop, &y.idle);
  loop_when_idle(f->loop, &z.idle);
  loop_idle_cancel(f->loop, &y.idle);
  loop_idle_cancel(f->loop, &y.idle);
  z.name = 'z';
  inbox_push(f->loop, &a.event);
  timer_start(f->loop, &t.timer, 0);
  run_for(f, 0.005);
  assert_string_equal(f->seen, "taaaaaaxz");
}

/* --- a clock that stands ------------------------------------------------------------ */

/* Timers of the loop's clock wait for it; those of the system's do not. */
static void a_clock_that_stands_holds_its_timers(void **state) {
  Fixture *f = *state;
  NamedTimer a = {.timer.fire = note_timer, .f = f, .name = 'a'}, b = a, r = a, end = a;
  b.name = 'b', r.name = 'r';
  r.timer.real = end.timer.real = true;
  end.timer.fire = stop_loop;
  Clock *clock = loop_clock(f->loop);
  clock_stop(clock);
  double from = loop_now(f->loop);
  timer_start(f->loop, &a.timer, 0.001);
  timer_start(f->loop, &b.timer, 1000);
  timer_start(f->loop, &r.timer, 0.001);
  timer_start(f->loop, &end.timer, 0.01);
  loop_run(f->loop, NULL, NULL);
  assert_string_equal(f->seen, "r");
  assert_true(loop_now(f->loop) == from);
  assert_true(loop_next_due(f->loop) == from + 0.001);
  clock_set(clock, from + 999);
  timer_start(f->loop, &end.timer, 0.005);
  loop_run(f->loop, NULL, NULL);
  assert_string_equal(f->seen, "ra");
  clock_go(clock); /* from where it stood */
  assert_true(loop_now(f->loop) >= from + 999 && loop_now(f->loop) < from + 1000);
  timer_stop(f->loop, &b.timer);
  run_for(f, 0.003);
}

/* --- nothing is starved ----------------------------------------------------------- */

typedef struct Flood {
  Event event;
  Timer again, probe;
  Fixture *f;
  uv_pipe_t pipe;
  int fds[2];
  size_t run;
  bool read, fired, over;
  char byte[8];
} Flood;

static void flood_check(Flood *flood) {
  if (!flood->read || !flood->fired || flood->over) return;
  flood->over = true;
  loop_stop(flood->f->loop);
}

static void flood_run(Event *event) {
  Flood *flood = CONTAINER_OF(event, Flood, event);
  flood->run++;
  if (flood->run == 1000) assert_int_equal(write(flood->fds[1], "x", 1), 1);
  if (!flood->over) inbox_push(flood->f->loop, event);
}

static void flood_again(Timer *timer) {
  Flood *flood = CONTAINER_OF(timer, Flood, again);
  flood->run++;
  if (flood->run == 1000) assert_int_equal(write(flood->fds[1], "x", 1), 1);
  if (!flood->over) timer_start(flood->f->loop, timer, 0);
}

static void flood_fired(Timer *timer) {
  Flood *flood = CONTAINER_OF(timer, Flood, probe);
  flood->fired = true;
  flood_check(flood);
}

static void flood_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  Flood *flood = handle->data;
  (void)size;
  *buf = uv_buf_init(flood->byte, sizeof flood->byte);
}

static void flood_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  Flood *flood = stream->data;
  (void)buf;
  assert_int_equal(n, 1);
  flood->read = true;
  flood_check(flood);
}

static void flood_begin(Flood *flood, Fixture *f) {
  *flood = (Flood){.event.run = flood_run, .again.fire = flood_again, .f = f};
  flood->probe.fire = flood_fired;
  assert_int_equal(pipe(flood->fds), 0);
  uv_pipe_init(loop_uv(f->loop), &flood->pipe, 0);
  flood->pipe.data = flood;
  assert_int_equal(uv_pipe_open(&flood->pipe, flood->fds[0]), 0);
  uv_read_start((uv_stream_t *)&flood->pipe, flood_alloc, flood_read);
  timer_start(f->loop, &flood->probe, 0.01);
}

static void flood_end(Flood *flood) {
  Loop *loop = flood->f->loop;
  timer_stop(loop, &flood->again);
  uv_close((uv_handle_t *)&flood->pipe, NULL);
  close(flood->fds[1]);
  loop_finish(loop);
  assert_true(flood->read && flood->fired);
}

static void events_starve_nobody(void **state) {
  Flood flood;
  flood_begin(&flood, *state);
  inbox_push(flood.f->loop, &flood.event);
  loop_run(flood.f->loop, NULL, NULL);
  assert_true(flood.run > 1000);
  flood_end(&flood);
}

static void timers_starve_nobody(void **state) {
  Flood flood;
  flood_begin(&flood, *state);
  NamedEvent a = {{.run = note_event}, *state, 'a', 10};
  timer_start(flood.f->loop, &flood.again, 0);
  inbox_push(flood.f->loop, &a.event);
  loop_run(flood.f->loop, NULL, NULL);
  assert_int_equal(flood.f->count, 11);
  flood_end(&flood);
}

/* Each event takes longer than a slice; a due timer still comes within a few of them. */
static void run_slowly(Event *event) {
  NamedEvent *e = CONTAINER_OF(event, NamedEvent, event);
  double end = loop_now(e->f->loop) + 0.005;
  while (loop_now(e->f->loop) < end) continue;
  e->again++;
  inbox_push(e->f->loop, event);
}

static void slow_events_do_not_hold_timers_up(void **state) {
  Fixture *f = *state;
  NamedEvent slow[4];
  for (int i = 0; i < 4; i++) {
    slow[i] = (NamedEvent){{.run = run_slowly}, f, 's', 0};
    inbox_push(f->loop, &slow[i].event);
  }
  run_for(f, 0.002);
  int run = 0;
  for (int i = 0; i < 4; i++) {
    run += slow[i].again;
    slow[i].event.run = note_event, slow[i].again = 0;
  }
  loop_run(f->loop, stop_when_empty, f);
  assert_in_range(run, 1, 3);
}

/* --- the end ---------------------------------------------------------------------- */

typedef struct Chain {
  Event event;
  uv_async_t handle;
  Fixture *f;
  int left;
} Chain;

static void chain_closed(uv_handle_t *handle) {
  Chain *chain = handle->data;
  inbox_push(chain->f->loop, &chain->event);
}

/* An event that came from the end of a handle opens and closes the next. */
static void chain_run(Event *event) {
  Chain *chain = CONTAINER_OF(event, Chain, event);
  note(chain->f, 'c');
  if (chain->left-- == 0) return;
  assert_int_equal(uv_async_init(loop_uv(chain->f->loop), &chain->handle, NULL), 0);
  chain->handle.data = chain;
  uv_close((uv_handle_t *)&chain->handle, chain_closed);
}

static void finishing_waits_for_all(void **state) {
  Fixture *f = *state;
  Chain chain = {.event.run = chain_run, .f = f, .left = 5};
  inbox_push(f->loop, &chain.event);
  loop_finish(f->loop);
  assert_string_equal(f->seen, "cccccc");
  assert_true(inbox_empty(f->loop));
}

/* A stop that was asked for between the last run and the end takes nothing from it. */
static void finishing_survives_a_late_stop(void **state) {
  Fixture *f = *state;
  Chain chain = {.event.run = chain_run, .f = f, .left = 3};
  inbox_push(f->loop, &chain.event);
  loop_stop(f->loop);
  loop_finish(f->loop);
  assert_string_equal(f->seen, "cccc");
  loop_stop(f->loop);
}

static void stop_event(Event *event) {
  loop_stop(CONTAINER_OF(event, NamedEvent, event)->f->loop);
}

static void finishing_survives_a_stop_within(void **state) {
  Fixture *f = *state;
  Chain chain = {.event.run = chain_run, .f = f, .left = 3};
  NamedEvent stop = {{.run = stop_event}, f, 's', 0};
  inbox_push(f->loop, &chain.event);
  inbox_push(f->loop, &stop.event);
  loop_finish(f->loop);
  assert_string_equal(f->seen, "cccc");
  run_for(f, 0.001); /* and the loop still turns */
}

static void does_not_spin(void **state) {
  Fixture *f = *state;
  NamedEvent a = {{.run = note_event}, f, 'a', 3};
  inbox_push(f->loop, &a.event);
  clock_t before = clock();
  run_for(f, 0.2);
  double busy = (double)(clock() - before) / CLOCKS_PER_SEC;
  assert_true(busy < 0.1);
}

/* --- the end of a turn ------------------------------------------------------------ */

typedef struct TurnTimer {
  Timer timer;
  NamedEvent *after;
  char name;
} TurnTimer;

static void note_and_ask(Timer *timer) {
  TurnTimer *t = CONTAINER_OF(timer, TurnTimer, timer);
  note(t->after->f, t->name);
  loop_after_turn(t->after->f->loop, &t->after->event);
}

static void ask_after(Event *event) {
  NamedEvent *e = CONTAINER_OF(event, NamedEvent, event);
  note(e->f, e->name);
  static NamedEvent after[2];
  for (int i = 0; i < 2; i++) {
    after[i] = (NamedEvent){.event.run = note_event, .f = e->f, .name = (char)('x' + i)};
    loop_after_turn(e->f->loop, &after[i].event);
  }
}

static void after_turn_comes_before_the_next_event(void **state) {
  Fixture *f = *state;
  NamedEvent first = {.event.run = ask_after, .f = f, .name = 'a'};
  NamedEvent second = {.event.run = note_event, .f = f, .name = 'b'};
  inbox_push(f->loop, &first.event);
  inbox_push(f->loop, &second.event);
  run_for(f, 0.001);
  assert_string_equal(f->seen, "axyb");
}

static void after_turn_comes_before_the_next_timer(void **state) {
  Fixture *f = *state;
  NamedEvent after[2];
  TurnTimer timers[2];
  for (int i = 0; i < 2; i++) {
    after[i] = (NamedEvent){.event.run = note_event, .f = f, .name = (char)('x' + i)};
    timers[i] = (TurnTimer){.timer.fire = note_and_ask, .after = &after[i], .name = '1'};
    timers[i].name = (char)('1' + i);
    timer_start(f->loop, &timers[i].timer, 0);
  }
  run_for(f, 0.001);
  assert_string_equal(f->seen, "1x2y");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_loop, free_loop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(timers_fire_in_order),
      TEST(timers_are_not_early),
      TEST(timers_stop_and_move),
      TEST(endless_timers_may_be_stopped),
      TEST(crowds_fire_in_order),
      TEST(events_come_in_order),
      TEST(the_first_may_be_pushed_in_front),
      TEST(idle_is_asked_before_each_wait),
      TEST(who_leaves_is_asked_though_there_is_more),
      TEST(stopping_keeps_what_waits),
      TEST(idle_calls_come_when_nothing_is_to_be_done),
      TEST(a_clock_that_stands_holds_its_timers),
      TEST(events_starve_nobody),
      TEST(timers_starve_nobody),
      TEST(slow_events_do_not_hold_timers_up),
      TEST(finishing_waits_for_all),
      TEST(finishing_survives_a_late_stop),
      TEST(finishing_survives_a_stop_within),
      TEST(does_not_spin),
      TEST(after_turn_comes_before_the_next_event),
      TEST(after_turn_comes_before_the_next_timer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
