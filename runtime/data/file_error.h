/* What went wrong with a file, in words for who wrote the script or runs it. Any thread.
 */
#ifndef TIDELOCK_DATA_FILE_ERROR_H
#define TIDELOCK_DATA_FILE_ERROR_H

#include "core/error.h"

enum { FILE_SHOWN = 160 };

/* The path for a message: bytes that do not show as \xHH, cut to fit. Returns out. */
const char *file_show(const char *path, char out[FILE_SHOWN]);

/* Sets the error of an operation ("read") on the path that failed with this errno, and
 * returns its code. */
int file_error(Error *err, const char *doing, const char *path, int error);

#endif
