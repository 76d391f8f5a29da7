/* The runtime: everything that lives while the process does hangs off it. Loop thread
 * only.
 *
 *   Runtime ─┬─ Script ─┬─ Generation (current) ── lua_State, tasks, declarations, boxes
 *            │          ├─ Generation (staging), while a load is under way
 *            │          └─ Generations retiring
 *            └─ Resource: what lives on across generations (connections, servers, timers)
 *
 * A script declares; the runtime reconciles. See script.c for how a load goes. */
#ifndef TIDELOCK_SCRIPT_RUNTIME_H
#define TIDELOCK_SCRIPT_RUNTIME_H

#include <lua.h>

#include "core/error.h"
#include "core/index.h"
#include "core/json.h"
#include "loop/output.h"
#include "loop/loop.h"
#include "net/net.h"
#include "server/door.h"
#include "script/ending.h"

typedef struct Runtime Runtime;
typedef struct Script Script;
typedef struct Generation Generation;
typedef struct Resource Resource;
typedef struct Declaration Declaration;
typedef struct Task Task;
typedef struct Stores Stores;
typedef struct Watch Watch;
typedef struct Watchdog Watchdog;

/* A module written in C: `open` leaves the module's table on the stack, like luaopen_*.
 */
typedef struct LuaModule {
  const char *name; /* "tidelock.socket" */
  lua_CFunction open;
} LuaModule;

typedef struct RuntimeOptions {
  const LuaModule *modules; /* ends with a NULL name; borrowed */
  Ending *ending;           /* shared with main; borrowed; NULL: its own */
  Output *output;           /* where scripts print; borrowed; NULL: its own */
  const char *data;         /* folder of this profile; NULL: keep nothing; borrowed */
  const char *first;    /* of the scripts, by name; NULL: that added first; borrowed */
  bool watch;           /* reload on save */
  bool watch_poll;      /* without the system's word: look once a second */
  double grace;         /* seconds for what is retired or unclaimed; 0: 5 */
  double probation;     /* seconds that a new version is watched; 0: 10 */
  double cpu_limit;     /* seconds a turn may run; 0: 1 */
  double staging_limit; /* seconds of running that a load may take; 0: the same */
  size_t memory_limit;  /* bytes each script may use; 0: 512 MiB */
  /* A script draws on the terminal: see screen.h; may be NULL. */
  void (*drawn)(void *ctx);
  void *drawn_ctx;
  bool check_only; /* load in staging, swap nothing, end */
  bool tests_only; /* end when what was loaded has no tests */
} RuntimeOptions;

/* The tests of a file: what `tidelock test` asks for, and what tidelock.test tells. */
typedef struct TestRun {
  const char *only;         /* the names to run; NULL: all; borrowed */
  struct Suggestion *meant; /* is offered names that `only` does not fit; borrowed */
  int planned, passed, failed;
  char *name;     /* of the test that runs; owned; NULL: none does */
  char *uncaught; /* what nobody caught since it was asked last; owned; NULL: nothing */
} TestRun;

struct Runtime {
  Loop *loop;
  Log *log;
  Output *output;
  Ending *ending, own_ending;
  uv_async_t *printed; /* some of it was written, or could not be */
  Net *net;
  Servers *servers;
  RuntimeOptions options;
  Script *scripts; /* in the order they were added */
  Resource *resources;
  Index pending; /* declarations attached to what does not exist yet, by kind and name */
  Timer pending_timer; /* when they are told: pending.h */
  Watch *watch;        /* NULL: no watching */
  Watchdog *watchdog;
  const char *stack_floor; /* see cstack.h */
  Stores *stores;
  JsonArena *arena;         /* for what is dispatched */
  Index connections;        /* the open ones, by number */
  uint64_t last_connection; /* its number: each has one of its own */
  Task *free_tasks;         /* to be used again */
  Task *current;            /* the task that runs now; NULL: none */
  int blocked;              /* frames inside it that cannot be yielded */
  int starts;               /* handlers started inside one another, that run now */
  Timer stop_timer;
  Timer hold;      /* while it is active the process does not end by itself */
  bool short_told; /* that there was no memory left */
  bool has_tests;  /* a script asked for tidelock.test */
  bool stopping, stopped, output_failed;
  bool by_itself; /* it ends because nothing was left to wait for */
  int exit_code;
  int warnings; /* of what was only checked */
  int closing;  /* states being closed on worker threads */
  TestRun tests;
};

Runtime *runtime_new(Log *log,
                     const RuntimeOptions *options); /* returns new; borrows log */
enum { STATUS_UNLOADED = 78 }; /* of a start: a script did not load (EX_CONFIG) */

/* Runs until nothing is left to wait for or an exit was asked; returns the exit status: 1
 * when it ended by itself after errors that nobody caught, or with a connection that was
 * refused. */
int runtime_run(Runtime *rt);
/* Stops cleanly: `stop` handlers run, then the loop ends. Once it is called, a further
 * call only turns status 0 into its own. */
void runtime_exit(Runtime *rt, int code);
/* For so long the process does not end because nothing is left to wait for. */
void runtime_hold(Runtime *rt, double seconds);
/* Ends the program if standard output could not be written. */
void runtime_output_failed(Runtime *rt);
/* By a signal: stops cleanly with this status, in the time that is left. */
void runtime_interrupt(Runtime *rt, int status);
/* Whatever scripts do: from ending_scripts_due on no turn runs any longer. Any thread. */
void runtime_end_in_time(Runtime *rt);
/* Something raised, and nobody caught that: the test that runs fails, where there is one.
 */
void runtime_uncaught(Runtime *rt, const char *text);
/* Lays the reserve of memory aside again if it was taken; that is logged, once, unless a
 * load that was given up for it has `told`. */
void runtime_reserve(Runtime *rt, bool told);
void runtime_free(
    Runtime *rt); /* closes everything, in order; releases rt, not the log */

#endif
