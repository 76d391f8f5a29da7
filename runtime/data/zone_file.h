/* The system's time zones: small files below /usr/share/zoneinfo (or $TZDIR), which are
 * read where they are asked for. Keeps nothing; any thread. */
#ifndef TIDELOCK_DATA_ZONE_FILE_H
#define TIDELOCK_DATA_ZONE_FILE_H

#include "proto/zone.h"

/* A zone by its name, "Europe/Berlin", or the one of the system, "local". Returns new, or
 * NULL: NOT_FOUND, IO, UNSUPPORTED. */
Zone *zone_file_read(const char *name, Error *err);

#endif
