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

#include "net/route.h"
#include "resource/resources.h"
#include "resource/session_options.h"
#include "vm/task_wait.h"

extern const ResourceKind session_kind;

typedef struct Session Session;
Session *session_of(const Declaration *decl); /* NULL: not there (yet); borrows */

/* The origin of a client's base_url, for a session that names none. */
void session_learn(Declaration *decl, const char *origin);

/* Pushes {status, reason, since, refreshing}; NULL: of one that is not there. */
void session_push(lua_State *L, Session *s);

/* The token for a URL; NULL: it is not for there, or there is none, or the task is the
 * session's own login or refresh. Borrows. */
const char *session_token_for(Session *s, const Task *task, const char *url,
                              int64_t *serial);

/* Until session_unlisten, or the end of the session, which is a change too. */
void session_listen(Session *s, SessionListener *listener); /* harmless when it does */
void session_unlisten(SessionListener *listener);           /* harmless */
bool session_is_closed(const Session *s);
/* Whether a token may take this way: that of a script that attached may not be bent to
 * where it could be read. 0, or DENIED. */
int session_check_way(const Declaration *decl, const Route *route, Error *err);
/* Whether one renews its tokens, or writes them: what is waited for at the end. */
bool sessions_busy(const Host *host);

extern const BoxKind session_box; /* on a declaration: the handle of a script */

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
