/* What a session is at a moment, and who waits for it to become something else. Loop
 * thread. */
#ifndef TIDELOCK_RESOURCE_SESSION_STATE_H
#define TIDELOCK_RESOURCE_SESSION_STATE_H

#include "resource/session_parts.h"

void session_init(Session *s, Resource *res); /* zeroed before; with one reference */
void session_ref(Session *s);
void session_unref(Session *s);

double session_now(const Session *s); /* seconds, those that the machine slept included */
void session_log(const Session *s, LogLevel level, const char *text, const Error *err);

typedef struct SessionState {
  const char *status, *reason; /* static; reason NULL: none */
  double since;
  bool refreshing;
} SessionState;
SessionState session_state(const Session *s);
int session_push_state(lua_State *L, void *session); /* a TaskPush */
void session_tell(Session *s); /* its state is another: on_change hears of it */

/* Takes the record: these are the tokens from now on. `fresh`: they came in this process,
 * not from the file. */
void session_adopt(Session *s, SessionRecord *record, bool fresh);
/* Of what others have said: nothing stays that may be one of its tokens. */
void session_hide(const Session *s, Error *err);
void session_close_for(Session *s, const char *reason); /* static text, or NULL */
const char *
session_reason(const char *closed); /* static: of a file's, which may be any */

double session_age(const Session *s); /* seconds since its tokens came */
bool session_is_over(const Session *s);
bool session_is_due(const Session *s); /* to be renewed before it is used */

void session_unlink_wait(SessionWait *wait);
void session_finish(Session *s); /* whoever waits goes on, unless more is to come */
void session_wake_all(Session *s);

#endif
