/* Whether a domain is one below which strangers own names ("com", "co.uk", "github.io"):
 * no cookie is set for it. Known by libpsl, which libcurl brings along; where it does not
 * (curl was built without it) names of one label are held for such, and no others. Any
 * thread. */
#ifndef TIDELOCK_NET_PUBLIC_SUFFIX_H
#define TIDELOCK_NET_PUBLIC_SUFFIX_H

#include "core/base.h"

/* Where the list was found, once for many questions: finding it costs a search among the
 * libraries of the process. Owns nothing; it stays valid, as the library stays loaded. */
typedef struct PublicSuffixes {
  const void *list; /* NULL: there is none */
  int (*is_public)(const void *list, const char *domain);
} PublicSuffixes;

PublicSuffixes public_suffixes_find(void);
bool public_suffix(const PublicSuffixes *suffixes,
                   const char *domain); /* in lower case, ASCII */

#endif
