/* Names of modules, each once. How many and how long is bounded: a script can ask for any
 * name, for ever. */
#include "sources/uses.h"

#include <stdlib.h>
#include <string.h>

#include "core/base.h"

enum { MAX_USES = 2000, MAX_NAME = 256 };

void uses_add(Uses *uses, const char *module) {
  for (size_t i = 0; i < uses->count; i++)
    if (strcmp(uses->modules[i], module) == 0) return;
  if (uses->count == MAX_USES || strlen(module) > MAX_NAME) {
    uses->all = true;
    return;
  }
  uses->modules = xrealloc(uses->modules, (uses->count + 1) * sizeof *uses->modules);
  uses->modules[uses->count++] = xstrdup(module);
}

void uses_join(Uses *uses, const Uses *more) {
  for (size_t i = 0; i < more->count; i++) uses_add(uses, more->modules[i]);
  uses->all = uses->all || more->all;
}

void uses_free(Uses *uses) {
  for (size_t i = 0; i < uses->count; i++) free(uses->modules[i]);
  free(uses->modules);
  *uses = (Uses){0};
}
