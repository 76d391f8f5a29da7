/* What the files of a script's connection share; nobody else includes it. */
#ifndef TIDELOCK_SCRIPT_CONNECTION_PARTS_H
#define TIDELOCK_SCRIPT_CONNECTION_PARTS_H

#include "script/connection.h"

typedef struct AuthAsk AuthAsk;

/* The tasks of its handlers; lives until the last one has ended. */
typedef struct Flight {
  struct Connection *connection; /* NULL: it is closed */
  int tasks, firing;
  bool held, told;
} Flight;

typedef struct Connection {
  IndexNode node; /* in the runtime's `connections`, by number */
  Resource *res;  /* NULL: closed by a handler while it fires */
  Socket *socket;
  uint64_t number; /* no other has it: acks and the like find theirs by it */
  AuthAsk *ask;    /* the question under way */
  int firing;      /* the memory stays meanwhile */
  bool was_connected;
  Flight *flight; /* owned until it is closed */
} Connection;

typedef enum ListName { LIST_EVENTS, LIST_STATES, LIST_OUTGOING, LIST_DROPS } ListName;

/* Between ++c->firing and connection_leave. A handler may close the connection: then it
 * is over. */
void connection_fire(Connection *c, ListName name, Firing *firing);
void connection_leave(Connection *c);
Connection *connection_if_alive(Runtime *rt, uint64_t number); /* NULL: it is gone */

/* Callbacks of the socket's. */
void connection_on_auth(void *ctx);
void connection_on_state(void *ctx, SocketState state, const SocketInfo *info);
void connection_on_error(void *ctx, const SocketInfo *info);
void connection_on_event(void *ctx, const SocketData *data, int64_t ack);
void connection_on_message(void *ctx, bool binary, const char *data, size_t len);
void connection_on_dropped(void *ctx, ErrorCode why, const char *data, size_t len);
const char *connection_state_name(SocketState state);

void connection_forget_ask(Connection *c); /* its answer will not count */

#endif
