/* Descriptors are few, and connections many. The last FILES_KEPT that this process may
 * have are kept for what else it must open: the sources of a reload, the database, a
 * resolver's files. No connection takes them, in either direction, and no server. */
#ifndef TIDELOCK_LOOP_DESCRIPTORS_H
#define TIDELOCK_LOOP_DESCRIPTORS_H

#include <stdbool.h>

enum { FILES_KEPT = 8 };

/* fd: a descriptor just opened, so the lowest that was free. False: it is one of those
 * that are kept, and is to be closed again. */
bool files_spare(int fd);

#endif
