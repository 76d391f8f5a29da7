/* Entering and leaving a Socket in dispatch; what is put off until then. For its files.
 */
#ifndef TIDELOCK_SOCKET_SOCKET_DISPATCH_H
#define TIDELOCK_SOCKET_SOCKET_DISPATCH_H

#include "socket/socket_parts.h"

void socket_enter(Socket *s);
void socket_leave(Socket *s); /* may free it */
/* Makes sure that what is put off is delivered soon. */
void socket_wake(Socket *s);
/* A change of state made by a call from outside. */
void socket_change_later(Socket *s, SocketState state, const char *reason, int code);
void call_fail(SocketCall *call, ErrorCode code); /* `done` comes later */
/* With CLOSED. Those that wait stay: they will be sent on the next connection. */
void calls_fail_in_flight(Socket *s);
void deliver_failed_calls(Socket *s);
/* Frees it if nothing holds it any more: dispatch, or an event in the inbox. */
void socket_release(Socket *s);
void socket_forget_id(Socket *s);

#endif
