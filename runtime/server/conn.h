/* A connection of the server, and its deliveries. See conn.c. */
#ifndef TIDELOCK_SERVER_CONN_H
#define TIDELOCK_SERVER_CONN_H

#include "core/buffer.h"
#include "proto/websocket.h"
#include "server/server.h"

typedef enum Phase {
  CONN_READING, /* between requests or inside one */
  CONN_PENDING, /* a request was delivered and not answered */
  CONN_STREAM,  /* the head of its answer is sent, the body comes in pieces: stream.c */
  CONN_OPEN,    /* a WebSocket */
  CONN_CLOSING, /* a WebSocket that was sent a close and waits for the peer's */
  CONN_LINGER   /* `out` holds the last bytes; then the end */
} Phase;

/* Why a connection is refused whose bytes were right. */
typedef enum Refusal { REFUSE_LATE, REFUSE_MEMORY } Refusal;

/* What a connection asks of the protocol that it speaks: exchange.c's, then channel.c's.
 */
typedef struct ConnOps {
  bool (*feed)(Conn *conn); /* reads on in `in`; false: nothing more to do for now */
  /* Answers, and ends the connection: a request is late, or memory is lacking. */
  void (*refuse)(Conn *conn, Refusal why);
  void (*closed)(Conn *conn); /* the descriptor is closed, and all of `in` is read */
} ConnOps;

struct Conn {
  Server *server;
  const ConnOps *ops; /* what the bytes are: HTTP, or a WebSocket since the upgrade */
  int fd;             /* -1 once the connection is gone */
  int events;         /* that poll watches for */
  uv_poll_t poll;
  uint64_t id; /* the latest: of the connection, its request, or its WebSocket */
  size_t slot;
  unsigned refs;   /* poll, each Delivery */
  unsigned queued; /* deliveries on their way */
  Phase phase;
  bool doomed;                     /* to be closed as soon as it may be */
  bool shut;                       /* our direction is shut down */
  bool ended;                      /* the peer's direction is */
  bool paused;                     /* nothing is read */
  bool closed_delivered;           /* `closed` is on its way */
  bool thirsty;                    /* a `drained` is wanted once little waits */
  bool keep_alive, head_only, old; /* of the request being answered; old: HTTP/1.0 */
  char remote[INET6_ADDRSTRLEN];
  char accept[32], *offered; /* of a WebSocket request: answer to its key, subprotocols */
  Http1Parser *parser;       /* NULL between requests */
  WsParser *ws;
  size_t charged; /* for `in`, `out`, and the request or message that is read */
  Buffer in, out;
  size_t in_used, out_used; /* bytes at their fronts that are read, or written */
  Timer timer;              /* for the peer to send, by phase */
  ServerFault fault;        /* of a fake server's */
  size_t left;              /* bytes that may still be written, of SERVER_FAULT_CUT */
  Timer stall;              /* for the peer to take what is written */
};

/* An event on its way to a callback of the server's; holds a reference to its Conn. */
typedef enum DeliveryKind {
  DELIVER_REQUEST,
  DELIVER_GONE,
  DELIVER_DRAINED,
  DELIVER_MESSAGE,
  DELIVER_CLOSED
} DeliveryKind;
typedef struct Delivery {
  Event event;
  Conn *conn;
  DeliveryKind kind;
  uint64_t id;
  Http1Parser *request; /* owned */
  bool flag;            /* request: a WebSocket; message: binary */
  int code;
  size_t charged;
  size_t len;
  char data[];
} Delivery;

/* The address of the peer, or "?". */
void conn_put_remote(int fd, char text[INET6_ADDRSTRLEN]);
void conn_adopt(Server *server, int fd, ServerFault fault, size_t bytes);
void conn_drop(Server *server, bool all);
Conn *conn_find(const Server *server, uint64_t id); /* NULL: gone */
void conn_new_id(Conn *conn);
void conn_deliver(Conn *conn, Delivery *delivery); /* takes it */
Delivery *delivery_new(DeliveryKind kind, const char *data, size_t len);
size_t conn_pending(const Conn *conn); /* bytes not yet written */
/* Whether `more` bytes may be held for clients. */
bool conn_has_room(const Conn *conn, size_t more);
void conn_flush(Conn *conn); /* asks to write what was put into out */
void conn_end(Conn *conn);   /* after what is in out */
/* The last call of each entry from dispatch: closes the connection if it is doomed. */
void conn_settle(Conn *conn);
void conn_farewell(Conn *conn); /* the server closes: says goodbye and goes */
void conn_pump(Conn *conn);     /* reads on in what has arrived */

#endif
