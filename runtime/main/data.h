/* The data folder of a run: where stores and queues are kept. */
#ifndef TIDELOCK_MAIN_DATA_H
#define TIDELOCK_MAIN_DATA_H

#include "main/options.h"

/* The same as data_folder below, but the folder is not made. */
int data_path(const Options *options, char **path);
/* Makes the folder (mode 0700) and checks that it can be written. *path is new, or
 * NULL with --memory. Returns 0, or the exit status after writing to stderr what is
 * wrong. */
int data_folder(const Options *options, char **path);

/* Returns new: the file that the profile's log goes to while a script draws on the
 * terminal, $XDG_STATE_HOME/tidelock/PROFILE.log, else below ~/.local/state; its folder
 * is made. NULL: there is no place for it. */
char *state_log(const Options *options);

#endif
