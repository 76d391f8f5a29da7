/* What to watch for a script: names in folders, where a change can be one of its sources.
 * A script's path may go through links, and a source may be one; each link is a name in a
 * folder too. */
#ifndef TIDELOCK_SOURCES_WATCH_POINTS_H
#define TIDELOCK_SOURCES_WATCH_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

typedef struct WatchPoint {
  char *dir;
  char *name; /* NULL: any source in it, or folder of sources */
} WatchPoint;
#define POINT_SOURCES "*.lua" /* as a name: any source in it, but no folder */

typedef struct WatchPoints { /* zeroed: none */
  WatchPoint *list;
  size_t count;
} WatchPoints;

/* Both are copied; a point that is in the list already is not added again. */
void watch_points_add(WatchPoints *points, const char *dir, const char *name);
/* Adds the names that decide what is found under the path: each link that it goes
 * through, its last name, or the first name that is missing. */
void watch_points_follow(WatchPoints *points, const char *path);
/* Whether the folder at the end of `path`, or one above it, is the one of st. */
bool watch_points_lie_below(const char *path, const struct stat *st);
void watch_points_free(WatchPoints *points); /* leaves none */

#endif
