/* Inside the server: what its four files share. See listener.c for how it hangs together.
 */
#ifndef TIDELOCK_SERVER_SERVER_H
#define TIDELOCK_SERVER_SERVER_H

#include <libwebsockets.h>
#include <uv.h>

#include "core/buffer.h"
#include "server/door.h"
#include "proto/websocket.h"

#define TELL_EVERY 60.0 /* seconds, of what many clients can cause */

typedef struct Conn Conn;

struct ServerRoom {
  Loop *loop;
  Server *servers; /* open ones and those still closing */
  uint64_t serial; /* of ids: an old server's are never those of a new one */
};

struct Server {
  const ServerTable *table; /* first: the door looks here */
  ServerRoom *room;
  Server *prev, *next;
  ServerOptions options; /* every 0 replaced */
  Charge *charge;        /* holds a reference */
  char *host;
  ServerCallbacks callbacks;
  void *ctx;
  struct lws_context *lws; /* NULL once destroyed */
  uv_handle_t *own[2];     /* libwebsockets' idle and timer handles on our loop */
  int event_fd;            /* its eventfd */
  int port, listen_fd;
  bool closed;
  double tell_again;    /* when a lack of files may be told again */
  double refused_again; /* when a request for another name may */
  unsigned refs;        /* the context, each Conn, each Delivery */
  Timer reap;
  Conn **slots; /* a Conn's place is the low part of its id */
  size_t slot_count, connections;
};

typedef enum Phase {
  CONN_READING, /* between requests or inside one */
  CONN_PENDING, /* a request was delivered and not answered */
  CONN_OPEN,    /* a WebSocket */
  CONN_CLOSING, /* a WebSocket that was sent a close and waits for the peer's */
  CONN_LINGER   /* what is in `out` is the last; then the end */
} Phase;

struct Conn {
  Server *server;
  int fd;     /* -1 once the connection is gone */
  int events; /* that poll watches for */
  uv_poll_t poll;
  uint64_t id; /* of the connection, of its request, or of its WebSocket: the latest */
  size_t slot;
  unsigned refs;   /* poll, each Delivery */
  unsigned queued; /* deliveries on their way */
  Phase phase;
  bool doomed;                     /* to be closed as soon as it may be */
  bool shut;                       /* our direction is shut down */
  bool ended;                      /* the peer's is */
  bool paused;                     /* nothing is read */
  bool told;                       /* `closed` is on its way */
  bool keep_alive, head_only, old; /* of the request being answered; old: HTTP/1.0 */
  char remote[INET6_ADDRSTRLEN];
  char accept[32], *offered; /* of a WebSocket request: answer to its key, subprotocols */
  Http1Parser *parser;       /* NULL between requests */
  WsParser *ws;
  size_t charged; /* for what follows, and what is read of a request or message */
  Buffer in, out;
  size_t in_used, out_used; /* bytes at their fronts that are done with */
  Timer timer;              /* for the peer to go on, by phase */
  Timer stall;              /* for the peer to take what is written */
};

/* One thing on its way to a callback; holds a reference to its Conn and Server. */
typedef enum DeliveryKind {
  DELIVER_REQUEST,
  DELIVER_GONE,
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

/* listener.c */
void server_unref(Server *server);

/* conn.c */
int conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len);
Conn *conn_find(const Server *server, uint64_t id); /* NULL: gone */
void conn_new_id(Conn *conn);
void conn_deliver(Conn *conn, Delivery *delivery); /* takes it */
Delivery *delivery_new(DeliveryKind kind, const char *data, size_t len);
size_t conn_pending(const Conn *conn); /* bytes not yet written */
/* Whether so much more may be held for clients. */
bool conn_has_room(const Conn *conn, size_t more);
void conn_flush(Conn *conn); /* asks to write what was put into out */
void conn_end(Conn *conn);   /* after what is in out */
void conn_settle(
    Conn *conn); /* last call of every entry from dispatch: closes the doomed */
void conn_farewell(Conn *conn); /* the server closes: says goodbye and goes */
void conn_pump(Conn *conn);     /* reads on in what has arrived */

/* exchange.c: HTTP */
bool exchange_feed(Conn *conn); /* false: nothing more to do for now */
void exchange_refuse(Conn *conn, int status, const char *message);
int exchange_respond(Server *server, uint64_t id, int status, const char *const *headers,
                     const char *body, size_t len, Error *err);
int exchange_accept(Server *server, uint64_t id, const char *subprotocol, Error *err);

/* channel.c: WebSocket */
bool channel_feed(Conn *conn);
/* Ends it for a reason of ours. */
void channel_fail(Conn *conn, int close_code, const char *words);
void channel_closed(Conn *conn, int code, const char *reason, size_t len);
int channel_send(Server *server, uint64_t id, bool binary, const char *data, size_t len,
                 Error *err);
void channel_hang_up(Server *server, uint64_t id, int code, const char *reason);

#endif
