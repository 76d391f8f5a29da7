/* See owner.h. */
#include "vm/owner.h"

#include <string.h>

Owner *owner_find(const Host *host, const char *name, size_t len) {
  for (Owner *o = host->owners; o; o = o->next)
    if (strlen(o->name) == len && memcmp(o->name, name, len) == 0) return o;
  return NULL;
}

bool owner_is_first(const Owner *owner) {
  const char *first = owner->host->first;
  return first ? strcmp(first, owner->name) == 0 : owner->host->owners == owner;
}
