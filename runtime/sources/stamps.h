/* Looking for changes where the system does not report them: what stat says of all
 * sources and their folders, compared with what it said before. */
#ifndef TIDELOCK_SOURCES_STAMPS_H
#define TIDELOCK_SOURCES_STAMPS_H

#include "sources/sources.h"

typedef struct Stamps { /* zeroed: nothing looked at */
  char **paths;
  size_t count;
  uint64_t stamp;
} Stamps;

/* From now on looks at these; sources may be NULL. */
void stamps_set(Stamps *stamps, const WatchPoints *points, const Sources *sources);
/* Looks at these, or at the path, besides. */
void stamps_join(Stamps *stamps, const WatchPoints *points, const Sources *sources);
void stamps_add(Stamps *stamps, const char *path);
bool stamps_changed(Stamps *stamps); /* since it was asked last */
void stamps_free(Stamps *stamps);    /* leaves none */

#endif
