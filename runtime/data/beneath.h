/* Opening what lies beneath a folder, and nothing else: no "..", no absolute path and no
 * link leads out of it, whatever others rename meanwhile. The kernel sees to that where
 * it has openat2; elsewhere the path is walked part by part and no link is followed. Any
 * thread; keeps nothing. */
#ifndef TIDELOCK_DATA_BENEATH_H
#define TIDELOCK_DATA_BENEATH_H

#include <sys/types.h>

#include "core/base.h"

enum { BENEATH_NAME = 257 }; /* a name of 255 bytes, a slash, and a NUL */

/* The path has no "..", is not absolute, and not longer than the system takes. */
bool beneath_sound(const char *path);

/* Returns a descriptor, or -1: errno. EXDEV and ELOOP: it leads out, or is a link that is
 * not followed. The path is sound; "" and "." are the folder itself. With a slash at its
 * end it names a folder: ENOTDIR for a file, EISDIR for one that is to be made. */
int beneath_open(int folder, const char *path, int flags, mode_t mode);
/* The same without openat2: what beneath_open does on older systems. */
int beneath_walk(int folder, const char *path, int flags, mode_t mode);

/* Opens the folder in which the last part of the path lies, for openat and its sisters,
 * and copies that part. Where the path ends with slashes the part has one too, and is a
 * folder's to the system: ENOTDIR for a file. -1: errno; EINVAL where the path is the
 * folder itself. */
int beneath_parent(int folder, const char *path, char last[BENEATH_NAME]);

#endif
