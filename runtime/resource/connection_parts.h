/* The types that the files of a script's connection share; nobody else includes it. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_PARTS_H
#define TIDELOCK_RESOURCE_CONNECTION_PARTS_H

#include "resource/connection.h"
#include "resource/session_options.h"

typedef struct AuthAsk AuthAsk;

typedef struct Guest Guest;
typedef struct LargeReader LargeReader;

/* The tasks of one script's handlers; lives until the last one has ended. */
typedef struct InFlight {
  struct Connection *connection; /* NULL: it is closed, or there is a newer generation */
  Guest *guest;                  /* NULL: those of the owner */
  int tasks, firing;
  void (*wake)(Guest *guest); /* a task of the guest's has ended */
  Owner *owner;               /* the script */
  LargeReader *large;         /* waited for; borrowed: see connection_large.h */
  bool held;                  /* further events wait */
  bool logged;                /* that they do */
} InFlight;

/* Of a connection whose auth is a session: see connection_session.c. */
typedef struct ConnectionSession {
  SessionListener listener;
  int64_t serial; /* of the token that was given last */
  bool refused;   /* and refused by the server */
  bool renewed;   /* once, since it was connected */
  bool ended;     /* the connection is closed until a login */
} ConnectionSession;

typedef struct Connection {
  IndexNode node; /* in the runtime's `connections`, by number */
  Resource *res;  /* NULL: closed by a handler while it fires */
  Socket *socket;
  uint64_t large_readers; /* how many there were: see connection_large.h */
  uint64_t number;        /* no other has it: acks and the like find theirs by it */
  AuthAsk *ask;           /* the question under way */
  int firing;             /* the memory stays meanwhile */
  bool was_connected;
  bool failure_logged; /* since it was connected */
  ErrorCode failed;    /* of the last failure since it was connected */
  char *failure;       /* the same, for people; owned; NULL: none */
  bool refused;        /* it was given up before it was connected */
  InFlight *flight;    /* of the owner's handlers; owned until it is closed */
  ConnectionSession session;
  Guest *guests; /* the scripts that attached, once they heard something; owned */
} Connection;

typedef enum ListName { LIST_EVENTS, LIST_STATES, LIST_OUTGOING, LIST_DROPS } ListName;

/* What handlers are called with: an event, a plain WebSocket's message, or an event that
 * was sent. */
typedef struct HandlerCall {
  ListName list;
  bool message, binary;
  const SocketData *data; /* of a message: its bytes, as the text */
  int64_t ack;
  uint32_t epoch; /* of the connection that it came on */
} HandlerCall;

/* Calls the handlers of one script. */
typedef void DeliverTo(Connection *c, Declaration *d, InFlight *f,
                       const HandlerCall *call);

#endif
