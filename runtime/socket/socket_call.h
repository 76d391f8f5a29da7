/* Calls that wait for their acks, and pings for their pongs. For the files of Socket. */
#ifndef TIDELOCK_SOCKET_SOCKET_CALL_H
#define TIDELOCK_SOCKET_SOCKET_CALL_H

#include "socket/socket_parts.h"

void call_list_append(CallList *list, SocketCall *call);
void call_list_remove(CallList *list, SocketCall *call);
/* Takes out what would still be sent for it. */
void call_withdraw(SocketCall *call);
void call_end(SocketCall *call, const SocketData *reply, const Error *err);
void call_finish_failed(SocketCall *call); /* with the error for call->failed */
void calls_on_ack(Socket *s, int64_t id, const SocketData *reply);
/* Whether a ping with that id, or an earlier one, waits. */
bool calls_want_pong(const Socket *s, int64_t id);
void calls_on_pong(Socket *s, int64_t id, double when);
void calls_forget(Socket *s); /* the socket goes: `dropped` for each */

#endif
