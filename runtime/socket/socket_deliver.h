/* Delivering what came. For the files of Socket; socket_hold stands in socket.h. */
#ifndef TIDELOCK_SOCKET_SOCKET_DELIVER_H
#define TIDELOCK_SOCKET_SOCKET_DELIVER_H

#include "socket/socket_parts.h"

void socket_deliver(Event *event); /* of an Incoming */
void stall_free(Socket *s);        /* frees the events that are held back */

#endif
