/* Whether a domain is one below which strangers own names ("com", "co.uk", "github.io"):
 * no cookie is set for it. Known by libpsl, which libcurl brings along; where it does not
 * (curl was built without it) names of one label are held for such, and no others. Any
 * thread. */
#ifndef TIDELOCK_NET_PUBLIC_SUFFIX_H
#define TIDELOCK_NET_PUBLIC_SUFFIX_H

#include "core/base.h"

bool public_suffix(const char *domain); /* in lower case, ASCII */
bool public_suffix_list_is_there(void);

#endif
