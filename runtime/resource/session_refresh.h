/* How the tokens of a session are renewed, and read at the start: see session_refresh.c.
 * Loop thread. */
#ifndef TIDELOCK_RESOURCE_SESSION_REFRESH_H
#define TIDELOCK_RESOURCE_SESSION_REFRESH_H

#include "resource/session_parts.h"

enum { SESSION_REFRESH }; /* declaration->functions: refresh(token, pair) */

void session_refresh_init(Session *s);
void session_restore(Session *s); /* from its file, if it has one */
void session_refresh(Session *s); /* harmless while it is under way */
void session_reject(
    Session *s); /* its new token was refused: unless others have another */
void session_stop_refresh(Session *s); /* what it gives does not count */

#endif
