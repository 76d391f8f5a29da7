/* The data folder of a run: where stores and queues are kept. */
#ifndef TIDELOCK_MAIN_DATA_H
#define TIDELOCK_MAIN_DATA_H

#include "main/options.h"

/* Its path alone, whether it is there or not; as data_folder below. */
int data_path(const Options *options, char **path);
/* Makes the folder (mode 0700) and checks that it can be written. *path is new, or NULL
 * with
 * --memory. Returns 0, or the exit status after having told what is wrong. */
int data_folder(const Options *options, char **path);

#endif
