/* The commands behind main: each returns the exit status. */
#ifndef TIDELOCK_MAIN_COMMANDS_H
#define TIDELOCK_MAIN_COMMANDS_H

#include "main/options.h"
#include "script/runtime.h"

typedef struct ScriptSpec {
  const char *name, *path; /* name NULL: after the path */
} ScriptSpec;

Runtime *make_runtime(const Options *options, Log *log); /* returns new */
/* Runs these scripts and those that the command line names. */
int run_with_paths(const Options *options, Log *log, const ScriptSpec *first, int count);

int command_check(const Options *options, Log *log);
int command_test(const Options *options, Log *log);
int command_new(const Options *options);
int command_demo(const Options *options, Log *log);

/* Returns new: the path of something shipped ("scripts"), beside the build or installed;
 * NULL when it is nowhere. */
char *shipped_path(const char *what);

#endif
