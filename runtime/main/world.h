/* What all commands share: the log, the output, the signals, and how scripts are run with
 * them. Main thread alone. */
#ifndef TIDELOCK_MAIN_WORLD_H
#define TIDELOCK_MAIN_WORLD_H

#include "data/folders.h"
#include "main/options.h"
#include "main/signals.h"

/* Owned by main(), borrowed by every command. */
typedef struct World {
  Log *log;
  Output *output;
  OutputAccount said; /* by `say` */
  bool loss_logged;   /* the log says that standard output cannot be written */
  const Options *options;
  Folders folders; /* that scripts are allowed */
  char *log_path;  /* where the log goes since a script draws on the terminal; owned */
  Ending ending;
  Signals *signals; /* NULL: they do to us what they do to any program */
} World;

/* Prints a line, in order with what scripts print. */
void say(World *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

typedef struct ScriptSpec {
  const char *name, *path; /* name NULL: after the path */
} ScriptSpec;

/* Returns new; `more` says what is special about it. */
Runtime *make_runtime(const Options *options, World *world, RuntimeOptions more);
/* Runs these scripts and those that the command line names. */
int run_with_paths(const Options *options, World *world, const ScriptSpec *first,
                   int count);

#endif
