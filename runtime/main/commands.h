/* The commands behind main: each returns the exit status. */
#ifndef TIDELOCK_MAIN_COMMANDS_H
#define TIDELOCK_MAIN_COMMANDS_H

#include "main/world.h"

int command_check(const Options *options, World *world);
int command_test(const Options *options, World *world);
int command_new(const Options *options);
int command_data(const Options *options, World *world);
int command_demo(const Options *options, World *world);

/* Returns new: the path of a shipped folder ("scripts"), beside the build or installed;
 * NULL when it is not there. */
char *shipped_path(const char *what);

#endif
