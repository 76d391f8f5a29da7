/* See name.h. */
#include "core/name.h"

#include <ctype.h>
#include <string.h>

bool name_valid(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len > 64) return false;
  for (; *name; name++)
    if (!isalnum((unsigned char)*name) && !strchr("_.-", *name)) return false;
  return true;
}
