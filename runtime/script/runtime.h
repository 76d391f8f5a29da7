/* The runtime: everything that lives while the process does hangs off it. Loop thread
 * only.
 *
 *   Runtime ─┬─ Script ─┬─ Generation (current) ── lua_State, tasks, declarations, boxes
 *            │          ├─ Generation (staging), while a load is under way
 *            │          └─ Generations retiring
 *            └─ Resource: what lives on across generations (connections, servers, timers)
 *
 * A script declares; the runtime reconciles. See transaction.c for how a load goes. */
#ifndef TIDELOCK_SCRIPT_RUNTIME_H
#define TIDELOCK_SCRIPT_RUNTIME_H

#include "core/error.h"
#include "script/ending.h"
#include "vm/host.h"

typedef struct Runtime Runtime;
typedef struct Script Script;
typedef struct Generation Generation;

typedef struct RuntimeOptions {
  const LuaModule *modules; /* ends with a NULL name; borrowed */
  Ending *ending;           /* shared with main; borrowed; NULL: its own */
  Output *output;           /* where scripts print; borrowed; NULL: its own */
  const char *data;         /* folder of this profile; NULL: keep nothing; borrowed */
  struct Folders *folders;  /* that scripts are allowed; borrowed; NULL: none */
  const char *first;    /* of the scripts, by name; NULL: that added first; borrowed */
  bool watch;           /* reload on save */
  bool watch_poll;      /* without the system's word: look once a second */
  double grace;         /* seconds for what is retired or unclaimed; 0: 5 */
  double probation;     /* seconds that a new generation is watched; 0: 10 */
  double cpu_limit;     /* seconds a turn may run; 0: 1 */
  double staging_limit; /* seconds of running that a load may take; 0: the same */
  size_t memory_limit;  /* bytes each script may use; 0: 512 MiB */
  /* Whether a script draws on the terminal: see notice_find_screen; may be NULL. */
  void (*screen)(void *ctx, bool drawn);
  void *screen_ctx;
  bool check_only;          /* load in staging, swap nothing, end */
  bool tests_only;          /* end when what was loaded has no tests */
  const char *only;         /* the names of the tests to run; NULL: all; borrowed */
  struct Suggestion *meant; /* is offered names that `only` does not fit; borrowed */
} RuntimeOptions;

/* How the tests of a file go, as tidelock.test counts them. */
typedef struct TestRun {
  bool asked; /* a script asked for tidelock.test */
  int planned, passed, failed;
  char *name;              /* of the test that runs; owned; NULL: none does */
  struct TestClock *clock; /* see test_clock.h; owned; NULL: none */
  char *uncaught; /* what nobody caught since it was asked last; owned; NULL: nothing */
} TestRun;

Runtime *runtime_new(Log *log,
                     const RuntimeOptions *options); /* returns new; borrows log */

Runtime *runtime_of(lua_State *L);                        /* borrows */
Loop *runtime_loop(const Runtime *rt);                    /* borrows */
TestRun *runtime_tests(Runtime *rt);                      /* borrows */
const RuntimeOptions *runtime_options(const Runtime *rt); /* borrows */
int runtime_warnings(const Runtime *rt);                  /* of what was only checked */
bool runtime_output_lost(const Runtime *rt); /* standard output could not be written */

/* Runs until nothing is left to wait for or an exit was asked; returns the exit status: 1
 * when it ended by itself after errors that nobody caught, or with a connection that was
 * refused. */
int runtime_run(Runtime *rt);
/* Closes everything, in order; releases rt, not the log. */
void runtime_free(Runtime *rt);

#endif
