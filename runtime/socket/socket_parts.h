/* The types that the files of Socket share; nobody else includes it. The essay stands in
 * socket.c. */
#ifndef TIDELOCK_SOCKET_SOCKET_PARTS_H
#define TIDELOCK_SOCKET_SOCKET_PARTS_H

#include "core/buffer.h"
#include "net/pace.h"
#include "socket/manager.h"
#include "socket/socket.h"
#include "proto/socketio.h"

/* Why a link ended, as the poll side found it. Owns data. */
typedef struct Loss {
  const char *reason; /* of SocketInfo; static */
  int code;           /* WebSocket close code */
  Error err;
  bool final; /* not to be tried again */
  bool again; /* at once, with other auth */
  char *data; /* of a rejection */
  size_t data_len;
} Loss;

/* From the poll side to dispatch, through the inbox: what came, in order. */
typedef enum IncomingType {
  INCOMING_READY,   /* the transport stands: ask for auth */
  INCOMING_JOINED,  /* data: the CONNECT payload */
  INCOMING_EVENT,   /* data: the event's array */
  INCOMING_ACK,     /* data: the ack's array */
  INCOMING_TEXT,    /* plain WebSocket */
  INCOMING_BINARY,  /* plain WebSocket */
  INCOMING_PONG,    /* plain WebSocket; ack: the ping's id; data: when it came */
  INCOMING_DROPPED, /* data: the packet; ack: the reason, an ErrorCode */
  INCOMING_LOST     /* data: a Loss */
} IncomingType;

typedef struct Incoming Incoming;
struct Incoming {
  Event event;
  Socket *socket;
  IncomingType type;
  uint32_t link;  /* those of a link that was left are dropped */
  Incoming *next; /* while it is held */
  int64_t ack;
  SocketData payload; /* of events and acks, in data */
  size_t size;        /* behind it */
  uint32_t epoch;     /* of its connection, while it is held back */
  size_t len;
  _Alignas(SioBytes) char data[];
};

/* A change of state made by a call from outside, to be delivered in dispatch. */
typedef struct StateChange StateChange;
struct StateChange {
  StateChange *next;
  SocketState state;
  const char *reason;
  int code; /* the close code that we sent, or 0 */
};

/* A packet that waits to be sent. */
typedef struct Waiting Waiting;
struct Waiting {
  Waiting *next;
  double since;
  SocketCall *call; /* NULL: an emit */
  bool binary;
  SocketData frames; /* the first one, and attachments behind it; in data */
  size_t len;        /* of all */
  _Alignas(SioBytes) char data[];
};

typedef struct Resend Resend;

typedef struct CallList {
  SocketCall *first, *last;
} CallList;

/* What lets the server send what was missed (socket_recovery.c). */
typedef struct Recovery {
  char *pid;         /* of the session; NULL: the server keeps none */
  Buffer offset;     /* of the last event that came, as in JSON; empty: none yet */
  bool asked, given; /* CONNECT asked for it; the server granted it */
} Recovery;

/* What came before the CONNECT that lets us in (socket_early.c). */
typedef struct Early {
  Incoming *first, **last;
  size_t count, bytes;
} Early;

/* Events that are held back (socket_deliver.c). */
typedef struct Stall {
  bool holding, queued;
  Incoming *first, **last;
  uint32_t epoch; /* of the event that is delivered now; 0: the present one */
  Event event;
} Stall;

struct Socket {
  Net *net;
  SocketOptions options;
  SocketCallbacks callbacks;
  void *ctx;
  char *nsp;
  PacketForm form;
  Manager *manager;
  ManagerUser user; /* its place there */
  SocketState state;
  char *id; /* NULL: none */
  uint32_t epoch;
  Recovery recovery;
  Early early;
  Stall stall;
  void (*deliver)(Event *event); /* runs each Incoming in dispatch */
  SocketStats stats;

  /* living on */
  int busy;              /* dispatch is inside */
  size_t incoming_count; /* in the inbox */
  bool freed;
  Event wake_event;
  bool wake_queued;
  StateChange *changes, **last_change;
  int change_count;

  /* the link: one attempt and the connection it becomes */
  uint32_t link;
  Engine *engine; /* the manager's, while this is on it; NULL: there is no link */
  bool again;     /* the namespace was left before on this connection */
  bool asked;     /* CONNECT went out and was not answered */
  bool joined;    /* CONNECT came: the poll's view */
  bool awaiting_auth;
  size_t max_payload; /* 0: not known */
  size_t backlog;     /* memory of the messages in the inbox */
  bool paused, pause_logged;
  Timer attempt;
  bool attempt_waits; /* its time is up, and a step of the transport ends first */

  /* reconnecting */
  PaceTurn turn;            /* from asking to begin an attempt until that has ended */
  Timer reconnect_timer;    /* to the next attempt */
  int failures, reconnects; /* since it was connected last */

  /* what waits to be sent */
  Waiting *waiting, **last_waiting;
  size_t waiting_count, waiting_bytes;
  Timer age;

  /* what is sent until it is acknowledged (socket_resend.c) */
  Resend *resends_first, **resends_last;
  size_t resend_count, resend_bytes;

  /* calls */
  int64_t next_id;
  CallList in_flight, failed; /* failed: `done` is due in dispatch */
};

#endif
