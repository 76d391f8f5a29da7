/* A connection whose auth is a session. Loop thread. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_SESSION_H
#define TIDELOCK_RESOURCE_CONNECTION_SESSION_H

#include "resource/connection_parts.h"

/* A function for a task: (handle of the session, number of a token that was refused, or
 * 0) → true | false | nil, err. Waits until the session has a token. */
int connection_f_session(lua_State *L);
/* That task has ended; `err`: NULL, or what it gave. Answers the socket. */
void connection_session_answer(Connection *c, const Error *err);

/* The number for the task. */
int64_t connection_session_ask(Connection *c);
bool connection_on_refused(void *ctx); /* a callback of the socket */
void connection_session_joined(Connection *c);
void connection_session_leave(Connection *c); /* it is closed */

#endif
