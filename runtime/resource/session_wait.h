/* Waiting for a session: its callers are woken when what they ask for is known, and may
 * be cancelled without harm to others. Loop thread. */
#ifndef TIDELOCK_RESOURCE_SESSION_WAIT_H
#define TIDELOCK_RESOURCE_SESSION_WAIT_H

#include "resource/session.h"

typedef enum SessionAsk {
  SESSION_READY,   /* that a request can be sent: true | nil, err */
  SESSION_TOKEN,   /* the access token | nil, err */
  SESSION_REFUSED, /* whether there is another than the one refused: true | false */
  SESSION_STORED   /* true | nil, err */
} SessionAsk;

/* To be returned from a binding: pushes the answer, now or when it is known. `serial`: of
 * the token that was refused. */
int session_ask(lua_State *L, Session *s, SessionAsk ask, int64_t serial);

/* The token of that number was refused: whether there is another, or may be after
 * session_ask for SESSION_REFUSED. */
bool session_refuse(Session *s, int64_t serial);

#endif
