/* See test_clock.h. How an advance goes: whenever the loop has nothing to do it is looked
 * whether others have: the disk, curl, a script that is held back, bytes under way in a
 * socket of a fake server. What a poll finds may begin what only the next one finds, so
 * that nothing is to be done when several looks in a row have found nothing. Then the
 * clock goes to the next due time. */
#include "script/test_clock.h"

#include <math.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "data/folders.h"
#include "data/zone_file.h"
#include "resource/connection.h"
#include "script/parts.h"

enum { LOOKS = 3 };
#define ROUNDING 1e-6 /* what adding seconds may lose: due then is due now */

struct TestClock {
  Runtime *rt;
  IdleCall idle;
  Advance *advance; /* NULL: none is under way */
  double until;
  int looks;      /* in a row that found nothing */
  double ahead;   /* of the wall clock, before the loop's */
  bool zone_set;  /* TZ is the test's: */
  char *zone_was; /* before; NULL: it was not set */
};

TestClock *test_clock(Runtime *rt) {
  return rt->tests.clock;
}

/* --- the time --------------------------------------------------------------------- */

static void show_wall(const TestClock *clock) {
  clock_wall_set(loop_now(clock->rt->host.loop) + clock->ahead);
}

static void set_time(TestClock *clock, double at) {
  Loop *loop = clock->rt->host.loop;
  clock_set(loop_clock(loop), fmax(at, loop_now(loop)));
  show_wall(clock);
}

void test_clock_step(TestClock *clock, double seconds) {
  clock->ahead += seconds;
  show_wall(clock);
}

void test_clock_set_wall(TestClock *clock, double time) {
  clock->ahead = time - loop_now(clock->rt->host.loop);
  show_wall(clock);
}

void test_clock_suspend(TestClock *clock, double seconds) {
  test_clock_step(clock, seconds);
  wakes_slept(net_wakes(clock->rt->resources.net), seconds);
}

/* --- the zone --------------------------------------------------------------------- */

/* "local" is the system's, which a test cannot know. */
static bool is_zone(const char *zone) {
  Error why;
  Zone *found = strcmp(zone, "local") == 0 ? NULL : zone_file_read(zone, &why);
  if (found) zone_free(found);
  return found != NULL;
}

static void set_zone(const char *zone) {
  if (zone) setenv("TZ", zone, 1);
  else unsetenv("TZ");
  tzset();
}

/* --- an advance -------------------------------------------------------------------- */

static bool is_held(const Runtime *rt) {
  for (const Owner *o = rt->host.owners; o; o = o->next)
    if (o->hold.count > 0 || o->hold.gives_way) return true;
  return false;
}

/* Whether a watched socket has something for us that the next poll will find. */
static bool has_input(Runtime *rt) {
  struct pollfd look = {.fd = uv_backend_fd(loop_uv(rt->host.loop)), .events = POLLIN};
  return poll(&look, 1, 0) > 0;
}

static bool is_busy(Runtime *rt) {
  const atomic_size_t *unsaved = rt->resources.unsaved;
  return is_held(rt) || has_input(rt) || net_is_busy(rt->resources.net) ||
         folders_busy(rt->resources.folders) || (unsaved && atomic_load(unsaved) > 0);
}

static Advance *take_advance(TestClock *clock) {
  Advance *advance = clock->advance;
  clock->advance = NULL;
  return advance;
}

static void end_advance(TestClock *clock) {
  Advance *advance = take_advance(clock);
  advance->over(advance, false);
}

static void on_idle(IdleCall *idle) {
  TestClock *clock = CONTAINER_OF(idle, TestClock, idle);
  Loop *loop = clock->rt->host.loop;
  double next = loop_next_due(loop);
  clock->looks = is_busy(clock->rt) ? 0 : clock->looks + 1;
  if (clock->looks >= LOOKS) {
    clock->looks = 0;
    bool due = next <= clock->until + ROUNDING;
    set_time(clock, due ? next : clock->until);
    if (!due) {
      end_advance(clock);
      return;
    }
  }
  loop_when_idle(loop, idle);
}

int test_clock_advance(TestClock *clock, double seconds, Advance *advance, Error *err) {
  Loop *loop = clock->rt->host.loop;
  if (clock->advance) return error_set(err, ERR_BUSY, "clock.advance is under way");
  clock->advance = advance;
  clock->until = loop_now(loop) + seconds;
  clock->looks = 0;
  loop_when_idle(loop, &clock->idle);
  return 0;
}

void test_clock_stay(TestClock *clock, const Advance *advance) {
  if (clock->advance != advance) return;
  loop_idle_cancel(clock->rt->host.loop, &clock->idle);
  clock->advance = NULL;
}

/* --- life ------------------------------------------------------------------------- */

int test_clock_open(Runtime *rt, const char *zone, Error *err) {
  if (rt->tests.clock)
    return error_set(err, ERR_BUSY, "this test has a clock already, or another has");
  if (zone && !is_zone(zone))
    return error_set(err, ERR_INVALID, "there is no zone \"%.80s\"", zone);
  if (connections_stand(&rt->host) || !net_is_quiet(rt->resources.net))
    return error_set(err, ERR_BUSY,
                     "a connection is open: a test's clock begins before there is any");
  TestClock *clock = xcalloc(1, sizeof *clock);
  clock->rt = rt;
  clock->idle.run = on_idle;
  clock->zone_set = zone != NULL;
  if (zone) clock->zone_was = getenv("TZ") ? xstrdup(getenv("TZ")) : NULL;
  if (zone) set_zone(zone);
  clock_stop(loop_clock(rt->host.loop));
  rt->tests.clock = clock;
  test_clock_set_wall(clock, clock_wall());
  return 0;
}

void test_clock_close(Runtime *rt) {
  TestClock *clock = rt->tests.clock;
  if (!clock) return;
  rt->tests.clock = NULL;
  loop_idle_cancel(rt->host.loop, &clock->idle);
  Advance *advance = take_advance(clock);
  clock_go(loop_clock(rt->host.loop));
  clock_wall_set(0);
  if (clock->zone_set) set_zone(clock->zone_was);
  free(clock->zone_was);
  free(clock);
  if (advance && !rt->host.stopping) advance->over(advance, true);
}
