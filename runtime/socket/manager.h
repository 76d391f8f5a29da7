/* A connection to a server that several Sockets share, one for each namespace: an Engine,
 * and who is on it. A plain WebSocket has one of its own. Between the files of Socket;
 * loop thread only.
 *
 * A Socket *uses* a manager as long as it lives, and is *on* its engine from the
 * beginning of an attempt (manager_enter) to its end (manager_exit). The first that
 * enters opens the engine, the last that exits ends it. What ends the engine ends the
 * link of each on it; what ends one namespace (a rejection, a disconnect) leaves the
 * others be. */
#ifndef TIDELOCK_SOCKET_MANAGER_H
#define TIDELOCK_SOCKET_MANAGER_H

#include "socket/engine.h"
#include "socket/socket.h"

typedef struct Manager Manager;

/* Returns new, or one that is there already and can be shared: of the same group, to the
 * same place by the same way, without a user of that namespace. Takes address and query.
 */
Manager *manager_use(Net *net, const SocketOptions *options, char *address, char *query,
                     const char *nsp, Socket *user);
void manager_leave(Manager *m, Socket *user); /* the last one releases it */

/* The engine is there when 0 is returned; *open tells whether its handshake is done and
 * the namespace can be asked for. If not, link_opened is called then. */
int manager_enter(Manager *m, Socket *s, bool *open, Error *err);
/* close_code, reason: of WebSocket, said when nobody else is on it; reason may be NULL.
 */
void manager_exit(Manager *m, Socket *s, int close_code, const char *reason);
/* Each before manager_exit. This one leaves its namespace, which it has joined; or the
 * server has not answered for it yet. */
void manager_disconnect(Manager *m, const Socket *s);
void manager_orphan(Manager *m, const char *nsp);
bool manager_has_orphan(const Manager *m, const char *nsp);
bool manager_was_left(const Manager *m, const char *nsp); /* on this connection */
/* The whole connection is over: link_lose for each on it. */
void manager_fail(Manager *m, const char *reason, const Error *err);
void manager_is_older(Manager *m); /* the same: the server speaks an older protocol */

int manager_send(Manager *m, bool binary, const char *data, size_t len);
int manager_ping(Manager *m, const char *data, size_t len);
/* Numbers of a connection that goes on have changed. */
void manager_retune(Manager *m, const SocketOptions *options);
void manager_pause(Manager *m, bool paused); /* counted: by each that is behind */
size_t manager_buffered(const Manager *m);
const Engine *manager_engine(const Manager *m); /* NULL: there is none; borrows */

#endif
