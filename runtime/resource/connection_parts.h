/* What the files of a script's connection share; nobody else includes it. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_PARTS_H
#define TIDELOCK_RESOURCE_CONNECTION_PARTS_H

#include "resource/connection.h"

typedef struct AuthAsk AuthAsk;

typedef struct Guest Guest;

/* The tasks of one script's handlers; lives until the last one has ended. */
typedef struct Flight {
  struct Connection *connection; /* NULL: it is closed, or there is a newer generation */
  Guest *guest;                  /* NULL: those of the owner */
  int tasks, firing;
  bool held, told;
} Flight;

typedef struct Connection {
  IndexNode node; /* in the runtime's `connections`, by number */
  Resource *res;  /* NULL: closed by a handler while it fires */
  Socket *socket;
  uint64_t number;          /* no other has it: acks and the like find theirs by it */
  AuthAsk *ask;             /* the question under way */
  int firing;               /* the memory stays meanwhile */
  bool was_connected, told; /* told: why it fails, in the log, since it was connected */
  ErrorCode failed;         /* of the last failure since it was connected */
  char *failure;            /* the same, for people; owned; NULL: none */
  bool refused;             /* it was given up before it was connected */
  Flight *flight;           /* of the owner's handlers; owned until it is closed */
  Guest *guests; /* the scripts that attached, once they heard something; owned */
} Connection;

typedef enum ListName { LIST_EVENTS, LIST_STATES, LIST_OUTGOING, LIST_DROPS } ListName;

/* What handlers are told: an event, a plain WebSocket's message, or what was sent. */
typedef struct Told {
  ListName list;
  bool message, binary;
  const SocketData *data; /* of a message: its bytes, as the text */
  int64_t ack;
  uint32_t epoch; /* of the connection that it came on */
} Told;

/* Between ++c->firing and connection_leave. A handler may close the connection: then it
 * is over. */
void connection_fire(Connection *c, ListName name, Firing *firing);
/* The same for the handlers of one script; f, if not NULL, counts their tasks. */
void connection_fire_for(Connection *c, Declaration *d, Flight *f, ListName name,
                         Firing *firing);
void connection_leave(Connection *c);
bool connection_hears(const Declaration *d); /* its script, now */
/* Hands what has waited to the handlers of one script. */
void connection_hand(Connection *c, Declaration *d, Flight *f, const Told *told);
Connection *connection_if_alive(Host *host, uint64_t number); /* NULL: it is gone */

/* connection_guest.c: the queue of a script that attached. */
Flight *flight_new(Connection *c, Guest *guest);
void flight_leave(Flight *f); /* the connection is done with it */
/* Whose handlers are to be told now; NULL: it waits in the queue of its script. */
Flight *guest_ready(Connection *c, Declaration *d, const Told *told);
void guest_wake(Guest *guest);                        /* some of its tasks have ended */
void guest_join(Connection *c, const Declaration *d); /* a new generation has attached */
uint64_t guest_lost(const Connection *c, const Owner *owner);
void guests_free(Connection *c);

/* connection_wait.c */
void connection_tell_waiters(Connection *c, const SocketInfo *info);
void connection_join_waiters(Declaration *d);
void connection_lose_waiters(Declaration *d); /* the resource is gone */
void connection_drop_waiters(Declaration *d);

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
