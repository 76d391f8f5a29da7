/* The names that scripts, profiles and resources have. */
#ifndef TIDELOCK_CORE_NAME_H
#define TIDELOCK_CORE_NAME_H

#include <stdbool.h>

/* A name is [A-Za-z0-9_.-]+, 64 at most. */
bool name_valid(const char *name);

#endif
