/* A script's connection: the resource around a net Socket. Turns what the socket tells
 * into handlers, and asks the script for its auth. */
#ifndef TIDELOCK_SCRIPT_CONNECTION_H
#define TIDELOCK_SCRIPT_CONNECTION_H

#include "net/socket.h"
#include "script/resource.h"

typedef enum Frames { FRAMES_TEXT, FRAMES_BINARY, FRAMES_JSON } Frames;

typedef struct ConnectionOptions {
  SocketOptions net;
  bool auto_connect;
  int max_tasks; /* of the owner's handlers at once; 0: 10,000 */
  Frames frames; /* plain WebSocket: what send takes and messages give */
} ConnectionOptions;

extern const ResourceKind connection_kind; /* options: ConnectionOptions */

enum { CONNECTION_AUTH = 0 }; /* declaration->functions: a function or a table */

/* The socket behind a declaration; NULL when there is none (not yet, or closed). */
Socket *connection_socket(const Declaration *decl);
const char *connection_state(const Declaration *decl); /* "pending" before it exists */
bool connection_is_plain(const Declaration *decl);     /* plain WebSocket */
/* Seconds that a call waits which names no time; INFINITY: until `retries` are used up.
 */
double connection_call_timeout(const Declaration *decl);
Frames connection_frames(const Declaration *decl);
/* How many events its script, which attached, was too slow for. */
uint64_t connection_lost(const Declaration *decl);

/* Tells the outgoing handlers of what was sent (["name", args...]), with the next turn.
 */
void connection_outgoing(Resource *res, const SocketData *data);

/* Whether one was given up before it was connected, and has not been tried again. */
bool connections_refused(const Runtime *rt);

#endif
