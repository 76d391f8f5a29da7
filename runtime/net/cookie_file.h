/* A jar as text, to be kept over restarts: a line for each cookie that outlives the
 * process, as Netscape's cookie files have it (domain, whether hosts below it get it,
 * path, whether it is Secure, when it ends, name, value; between tabs). Pure. */
#ifndef TIDELOCK_NET_COOKIE_FILE_H
#define TIDELOCK_NET_COOKIE_FILE_H

#include "net/cookies.h"

void cookie_file_write(Cookies *cookies, Buffer *out, double now);
/* Adds what is not over to the jar, behind what it has; a cookie that is there already
 * stays. Returns how many lines cannot be read: they are left out. */
size_t cookie_file_read(Cookies *cookies, const char *text, size_t len, double now);

#endif
