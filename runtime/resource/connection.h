/* A script's connection: the resource around a Socket. Calls handlers for what
 * the socket reports, and asks the script for its auth. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_H
#define TIDELOCK_RESOURCE_CONNECTION_H

#include "socket/socket.h"
#include "resource/resources.h"

typedef enum Frames { FRAMES_TEXT, FRAMES_BINARY, FRAMES_JSON } Frames;

/* What other scripts, which attach, may do with it; each includes those before. */
typedef enum GuestRights {
  GUEST_NOTHING,
  GUEST_HEARS,   /* events, states, fields */
  GUEST_SENDS,   /* emit, call, send, ping, answer events */
  GUEST_CONTROLS /* connect, disconnect, clear */
} GuestRights;

typedef struct ConnectionOptions {
  SocketOptions net;
  GuestRights share;
  bool auto_connect;
  int max_tasks; /* of the owner's handlers at once; 0: 10,000 */
  Frames frames; /* plain WebSocket: what send takes and messages give */
} ConnectionOptions;

extern const ResourceKind connection_kind; /* options: ConnectionOptions */

enum { CONNECTION_AUTH = 0 }; /* declaration->functions: a function or a table */

/* The socket behind a declaration, shared with its script or not; NULL when there is none
 * (not yet, or closed). */
Socket *connection_socket(const Declaration *decl);
const char *connection_state(const Declaration *decl); /* "pending" before it exists */
bool connection_is_plain(const Declaration *decl);     /* plain WebSocket */
/* Seconds that a call waits which names no time; INFINITY: until `retries` are used up.
 */
double connection_call_timeout(const Declaration *decl);
Frames connection_frames(const Declaration *decl);
/* What the declaration's script may do; of what is not there: all. */
GuestRights connection_rights(const Declaration *decl);
/* How many events its script, which attached, was too slow for. */
uint64_t connection_lost(const Declaration *decl);

/* Whether the declaration's script may send more: one that attached fills half of what
 * the connection keeps or has on its way, the rest is its owner's. 0, or BUFFER_FULL,
 * BACKPRESSURE. */
int connection_admit(const Declaration *decl, Error *err);

/* Waits until it is connected; below 0: for as long as an attempt may take. To be
 * returned from a binding: pushes true, or nil and TIMEOUT, REJECTED or CLOSED. */
int connection_wait(lua_State *L, Declaration *decl, Task *task, double seconds);

/* Calls the outgoing handlers for what the declaration's script sent (["name", args...]),
 * with the next turn. */
void connection_outgoing(const Declaration *decl, const SocketData *data);

/* Whether one was given up before it was connected, and has not been tried again. */
bool connections_refused(const Host *host);
bool connections_stand(const Host *host); /* whether one is connected */

#endif
