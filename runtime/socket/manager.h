/* A connection to a server that several Sockets share, one for each namespace: an Engine,
 * and who is on it. A plain WebSocket has one of its own. Knows no Socket: each user has
 * a table of callbacks. Loop thread only.
 *
 * A Socket *uses* a manager as long as it lives, and is *on* its engine from the
 * beginning of an attempt (manager_enter) to its end (manager_exit). The first that
 * enters opens the engine, the last that exits ends it. What ends the engine ends the
 * link of each on it; what ends one namespace (a rejection, a disconnect) leaves the
 * others be. */
#ifndef TIDELOCK_SOCKET_MANAGER_H
#define TIDELOCK_SOCKET_MANAGER_H

#include "core/index.h"
#include "socket/engine.h"
#include "socket/socket_options.h"
#include "proto/socketio.h"

typedef struct Manager Manager;
typedef struct ManagerUser ManagerUser;

/* What a manager reports to a user that is on its engine. All come on the loop's thread,
 * outside of dispatch (from the poll, from timers), so that they must not call Lua. Data
 * is borrowed for the call.
 * - Within packet, frame and pong the callee may do everything: leave the engine
 *   (manager_exit), end it for all (manager_fail), leave the manager.
 * - Within lost it must call manager_exit: who does not is called again, for ever.
 *   It must not leave the manager, which has others to tell.
 * - opened, hurry and unsent come in a loop over the users: the callee may send and start
 *   timers, and must not exit or leave. */
typedef struct ManagerEvents {
  void (*opened)(ManagerUser *user); /* its namespace can be asked for */
  /* The connection is over. Also from within manager_fail and manager_is_older. */
  void (*lost)(ManagerUser *user, const EngineLoss *loss);
  /* Of a plain WebSocket: a message; the answer to a ping. */
  void (*frame)(ManagerUser *user, bool binary, const char *data, size_t len);
  void (*pong)(ManagerUser *user, const char *data, size_t len);
  /* Of Socket.IO: a packet of its namespace. */
  void (*packet)(ManagerUser *user, const SioPacket *packet, const SioBytes *attachments);
  /* A packet, as it was sent, that the server has not got. */
  void (*unsent)(ManagerUser *user, const char *data, size_t len);
  /* Another user opens the engine, by manager_enter. One that waits for its own attempt
   * makes it soon, by a timer. */
  void (*hurry)(ManagerUser *user);
} ManagerEvents;

typedef struct ManagerLinks {
  ManagerUser *prev, *next;
} ManagerLinks;

/* Embed it: the owner sets events and nsp, and keeps both while it uses the manager. */
struct ManagerUser {
  const ManagerEvents *events;
  const char *nsp;
  ManagerLinks in[2]; /* the manager's, as the rest is: its users, its members */
  IndexNode by_namespace;
  bool member;
};

/* Returns new, or one that is there already and can be shared: of the same group, to the
 * same place by the same way, without a user of that namespace (of the newest 64). Takes
 * address and query. */
Manager *manager_use(Net *net, const SocketOptions *options, char *address, char *query,
                     ManagerUser *user);
void manager_leave(Manager *m, ManagerUser *user); /* the last one releases it */

/* The engine is there when 0 is returned; *open says whether its handshake is done and
 * the namespace can be asked for. If not, `opened` is called then. The options of the
 * user that opens the engine give its limits and times. */
int manager_enter(Manager *m, ManagerUser *user, const SocketOptions *options, bool *open,
                  Error *err);
/* close_code, reason: of WebSocket, said when nobody else is on it; reason may be NULL.
 */
void manager_exit(Manager *m, ManagerUser *user, int close_code, const char *reason);
/* Each before manager_exit. This one leaves its namespace, which it has joined; or the
 * server has not answered for it yet. */
void manager_disconnect(Manager *m, const ManagerUser *user);
void manager_orphan(Manager *m, const char *nsp);
bool manager_has_orphan(const Manager *m, const char *nsp);
bool manager_was_left(const Manager *m, const char *nsp); /* on this connection */
/* The whole connection is over: `lost` for each on it. */
void manager_fail(Manager *m, const char *reason, const Error *err);
void manager_is_older(Manager *m); /* the same: the server speaks an older protocol */

/* Numbers of a connection that goes on have changed. */
void manager_retune(Manager *m, const SocketOptions *options);
void manager_pause(Manager *m, bool paused); /* counted: by each that is behind */
/* What its users send goes there. NULL: nobody is on it; borrows. */
Engine *manager_engine(const Manager *m);

#endif
