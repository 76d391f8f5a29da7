/* Which files of a script differ between two readings of its sources. Only files that a
 * load of either has used count: others do not change the script. */
#ifndef TIDELOCK_SOURCES_CHANGES_H
#define TIDELOCK_SOURCES_CHANGES_H

#include "sources/sources.h"

typedef struct Changes {
  const char **paths; /* the list is owned; its paths are borrowed from either reading */
  size_t count;
} Changes;

Changes sources_changes(const Sources *old, const Sources *fresh);
void changes_free(Changes *changes);

#endif
