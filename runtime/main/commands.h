/* The commands behind main: each returns the exit status. */
#ifndef TIDELOCK_MAIN_COMMANDS_H
#define TIDELOCK_MAIN_COMMANDS_H

#include "main/options.h"
#include "main/signals.h"

/* What the commands share; main's. */
typedef struct World {
  Log *log;
  Output *output;
  OutputAccount said; /* by `say` */
  bool told_failure;  /* that standard output cannot be written */
  const Options *options;
  char *log_path; /* where the log goes since a script draws on the terminal; owned */
  Ending ending;
  Signals *signals; /* NULL: they do to us what they do to any program */
} World;

/* Prints, in order with what scripts print. */
void say(World *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

typedef struct ScriptSpec {
  const char *name, *path; /* name NULL: after the path */
} ScriptSpec;

/* Returns new; `more` says what is special about it. */
Runtime *make_runtime(const Options *options, World *world, RuntimeOptions more);
/* Runs these scripts and those that the command line names. */
int run_with_paths(const Options *options, World *world, const ScriptSpec *first,
                   int count);

int command_check(const Options *options, World *world);
int command_test(const Options *options, World *world);
int command_new(const Options *options);
int command_data(const Options *options, World *world);
int command_demo(const Options *options, World *world);

/* Returns new: the path of something shipped ("scripts"), beside the build or installed;
 * NULL when it is nowhere. */
char *shipped_path(const char *what);

#endif
