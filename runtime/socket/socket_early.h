/* What comes before the CONNECT that lets this client in. For the files of Socket. */
#ifndef TIDELOCK_SOCKET_SOCKET_EARLY_H
#define TIDELOCK_SOCKET_SOCKET_EARLY_H

#include "socket/socket_parts.h"

void early_init(Early *e);
bool early_hold(Socket *s, Incoming *incoming); /* false: it is too much; it is freed */
void early_release(Socket *s);                  /* what was held goes on its way */
void early_drop(Socket *s);                     /* what was held is not to come */

#endif
