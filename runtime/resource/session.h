/* A session: the tokens of one account at one server, who may use them, and when they are
 * renewed. The resource lives across reloads; its tokens are in no Lua state but as what
 * the script's own functions gave and get.
 *
 * A refresh is a task of the core's: one at a time, whoever asked for it, and none of its
 * callers can cancel it. Its new tokens are on the disk before they are used. `fence`
 * rises with login and logout, so that what was begun before comes to nothing.
 *
 * The files: session.c the resource and who waits; session_refresh.c how tokens are
 * renewed; session_disk.c the file. Loop thread. */
#ifndef TIDELOCK_RESOURCE_SESSION_H
#define TIDELOCK_RESOURCE_SESSION_H

#include "resource/resources.h"
#include "vm/task_wait.h"

typedef struct SessionOptions {
  bool remember, shared; /* shared: others may use it */
  char *account;         /* owned; NULL: the only one */
  char **origins;        /* owned: where the tokens go; none: that of the login */
  size_t count;
} SessionOptions;

extern const ResourceKind session_kind;
enum { SESSION_REFRESH }; /* declaration->functions: refresh(token, pair) */

typedef struct Session Session;
Session *session_of(const Declaration *decl); /* NULL: not there (yet); borrows */

/* Returns new: "https://example.org", the port only where it is unusual; NULL: no URL. */
char *session_origin(const char *url);
/* The origin of a client's base_url, for a session that names none. */
void session_learn(Declaration *decl, const char *origin);

typedef struct SessionState {
  const char *status, *reason; /* static; reason NULL: none */
  double since;
  bool refreshing;
} SessionState;
SessionState session_state(const Session *s);

/* --- waiting ----------------------------------------------------------------------- */

typedef enum SessionAsk {
  SESSION_READY,   /* that a request can be sent: true | nil, err */
  SESSION_TOKEN,   /* the access token | nil, err */
  SESSION_REFUSED, /* whether there is another than the one refused: true | false */
  SESSION_STORED   /* true | nil, err */
} SessionAsk;

/* To be returned from a binding: pushes the answer, now or when it is known. `serial`: of
 * the token that was refused. */
int session_ask(lua_State *L, Session *s, SessionAsk ask, int64_t serial);

/* The token for a URL; NULL: it is not for there, or there is none, or the task is the
 * session's own login or refresh. Borrows. */
const char *session_token_for(Session *s, const Task *task, const char *url,
                              int64_t *serial);

/* --- login and logout --------------------------------------------------------------- */

/* The task that runs logs in: its requests carry no token. BUSY: it does so already. */
int session_login_begin(Session *s, Task *task, Error *err);
void session_login_end(Session *s, Task *task);
/* The pair, as JSON: stored, and then used (session_ask for SESSION_STORED). */
int session_login_with(Session *s, const char *json, size_t len, Error *err);
/* Returns new, for secret_free: the pair that is not to be used any more, as JSON; NULL:
 * there was none. */
char *session_logout(Session *s);

#endif
