/* The modules that a load required, including missing ones. Changes to other files do not
 * reload the script. Plain memory, no thread's. */
#ifndef TIDELOCK_SOURCES_USES_H
#define TIDELOCK_SOURCES_USES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Uses {
  char **modules; /* owned */
  size_t count;
  bool all; /* it asked for more than are noted: every file counts */
} Uses;

void uses_add(Uses *uses, const char *module);
void uses_join(Uses *uses, const Uses *more); /* copies */
void uses_free(Uses *uses);

#endif
