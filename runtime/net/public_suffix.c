/* See public_suffix.h. libpsl is looked up, not linked: it is in the process where
 * libcurl needs it, and a curl without it needs no further package. */
#include "net/public_suffix.h"

#include <dlfcn.h>
#include <string.h>

/* As <libpsl.h> has it: the list that is built in. */
typedef const void *BuiltIn(void);

/* The library stays loaded: libcurl holds it. */
PublicSuffixes public_suffixes_find(void) {
  PublicSuffixes found = {NULL, NULL};
  BuiltIn *built_in = NULL;
  void *handle = dlopen("libpsl.so.5", RTLD_LAZY | RTLD_NOLOAD);
  if (!handle) return found;
  *(void **)&built_in = dlsym(handle, "psl_builtin");
  *(void **)&found.is_public = dlsym(handle, "psl_is_public_suffix");
  if (built_in && found.is_public) found.list = built_in();
  dlclose(handle);
  return found;
}

bool public_suffix(const PublicSuffixes *suffixes, const char *domain) {
  if (suffixes->list) return suffixes->is_public(suffixes->list, domain) != 0;
  return strchr(domain, '.') == NULL;
}
