/* Connection state recovery. For the files of Socket. */
#ifndef TIDELOCK_SOCKET_SOCKET_RECOVERY_H
#define TIDELOCK_SOCKET_SOCKET_RECOVERY_H

#include "socket/socket_parts.h"

void recovery_forget(Socket *s); /* the session is over: what comes next begins anew */
/* The CONNECT payload with what is asked for; returns false when that is nothing. */
bool recovery_put(Socket *s, Buffer *out, const char *auth, size_t len);
/* CONNECT came: pid is the server's, or NULL. */
void recovery_joined(Socket *s, const char *pid);
void recovery_keep_offset(Socket *s,
                          const Incoming *incoming); /* an event: its offset counts now */

#endif
