/* script.version(n, migrate): the version of script.keep. Stores have their own. */
#ifndef TIDELOCK_SCRIPT_VERSION_H
#define TIDELOCK_SCRIPT_VERSION_H

#include "script/script.h"

/* Before the swap, when the staged generation has its keep: a version that rose is
 * migrated, there and nowhere else, so that the load can still be given up. INVALID (it
 * fell, or there is nothing to migrate with), or what migrate raised. */
int version_prepare(Script *script, Error *err);

#endif
