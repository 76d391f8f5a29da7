/* The jars of cookies of scripts: each belongs to a script and a name, lives across its
 * generations, and is kept over restarts where that is asked for (a row of the profile's
 * database). Their memory is charged to the script. Loop thread only. */
#ifndef TIDELOCK_RESOURCE_COOKIE_JARS_H
#define TIDELOCK_RESOURCE_COOKIE_JARS_H

#include "core/error.h"
#include "net/cookies.h"
#include "vm/owner.h"

enum { COOKIE_JARS_MOST = 64 }; /* of a script */

/* The script's jar of that name, made when it is first asked for. `persist`: it is kept
 * from now on; what is kept is read first. Borrows; valid while requests of the script
 * are. NULL: *err (TOO_LARGE: it has too many). */
Cookies *cookie_jar(Owner *owner, const char *name, bool persist, Error *err);
/* The jar is empty then, and what is kept of it is, too. */
void cookie_jar_clear(Owner *owner, Cookies *cookies);
/* Frees those of a script (NULL: of all), whose requests have ended. What is kept stays.
 */
void cookie_jars_forget(Host *host, const Owner *owner);

#endif
