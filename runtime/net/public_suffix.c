/* See public_suffix.h. libpsl is looked up, not linked: it is in the process where
 * libcurl needs it, and a curl without it needs no further package. */
#include "net/public_suffix.h"

#include <dlfcn.h>
#include <string.h>

/* As <libpsl.h> has them: the list that is built in, and whether a name is in it. */
typedef const void *BuiltIn(void);
typedef int IsPublic(const void *list, const char *domain);

typedef struct Library {
  const void *list; /* NULL: there is none */
  IsPublic *is_public;
} Library;

/* The library stays loaded: libcurl holds it. */
static Library find_library(void) {
  Library found = {NULL, NULL};
  BuiltIn *built_in = NULL;
  void *handle = dlopen("libpsl.so.5", RTLD_LAZY | RTLD_NOLOAD);
  if (!handle) return found;
  *(void **)&built_in = dlsym(handle, "psl_builtin");
  *(void **)&found.is_public = dlsym(handle, "psl_is_public_suffix");
  if (built_in && found.is_public) found.list = built_in();
  dlclose(handle);
  return found;
}

bool public_suffix_list_is_there(void) {
  return find_library().list != NULL;
}

bool public_suffix(const char *domain) {
  Library library = find_library();
  if (library.list) return library.is_public(library.list, domain) != 0;
  return strchr(domain, '.') == NULL;
}
