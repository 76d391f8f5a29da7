/* Where a change would be one of a script's sources: names in folders. A script's path
 * may go through links, and a source may be one; each link is a name in a folder too. */
#ifndef TIDELOCK_SOURCES_WAYS_H
#define TIDELOCK_SOURCES_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

typedef struct Way {
  char *dir;
  char *name; /* NULL: any source in it, or folder of sources */
} Way;
#define WAY_SOURCES "*.lua" /* as a name: any source in it, but no folder */

typedef struct Ways { /* zeroed: none */
  Way *list;
  size_t count;
} Ways;

/* Both are copied; what is there already is not added again. */
void ways_add(Ways *ways, const char *dir, const char *name);
/* All that decides what is found under the path: each link on the way, the last name, or
 * the first that is missing. */
void ways_follow(Ways *ways, const char *path);
/* Whether the folder at the end of `path`, or one above it, is the one of st. */
bool ways_lie_below(const char *path, const struct stat *st);
void ways_free(Ways *ways); /* leaves none */

#endif
