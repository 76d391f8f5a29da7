/* A test's clock (test.clock of tidelock.test): the time of one test stands still, and
 * goes on only as the test sets it. What stands: the loop's clock, by which scripts,
 * connections and stores live, and the wall clock. The limit of turns and the test's own
 * go by the system's clock.
 *
 * Owned by the runtime; one at a time. Loop thread, in dispatch. */
#ifndef TIDELOCK_SCRIPT_TEST_CLOCK_H
#define TIDELOCK_SCRIPT_TEST_CLOCK_H

#include "core/error.h"

typedef struct Runtime Runtime;
typedef struct TestClock TestClock;

/* The end of an advance; embedded. `over` is called in dispatch, once; too_early: the
 * clock has ended first, and a task may be running now. While the process ends it is not
 * called: its tasks are cancelled. */
typedef struct Advance Advance;
struct Advance {
  void (*over)(Advance *advance, bool too_early);
};

/* Stops the clocks; the zone (NULL: as it is) is a name of tzdata. 0; BUSY: there is one,
 * or connections to the outside are open; INVALID: there is no such zone. */
int test_clock_open(Runtime *rt, const char *zone, Error *err);
void test_clock_close(Runtime *rt); /* harmless where there is none */
TestClock *test_clock(Runtime *rt); /* borrows; NULL: there is none */

/* Runs what is due for so many seconds to come, in order: everything until nothing is to
 * be done, then what falls due next. 0, or BUSY: an advance is under way. */
int test_clock_advance(TestClock *clock, double seconds, Advance *advance, Error *err);
/* Gives this advance up, without a call; harmless where it is over. */
void test_clock_stay(TestClock *clock, const Advance *advance);
/* The wall clock alone, by so many seconds or to a time. */
void test_clock_step(TestClock *clock, double seconds);
void test_clock_set_wall(TestClock *clock, double time);
void test_clock_suspend(TestClock *clock, double seconds); /* the machine slept */

#endif
