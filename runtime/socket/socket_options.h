/* Where and how a Socket connects: its options, copied, compared, and made into the
 * address to open. Pure. */
#ifndef TIDELOCK_SOCKET_SOCKET_OPTIONS_H
#define TIDELOCK_SOCKET_SOCKET_OPTIONS_H

#include "core/buffer.h"
#include "core/charge.h"
#include "core/error.h"
#include "net/route.h"
#include "proto/deflate.h"
#include "proto/engineio.h"

typedef enum SocketProtocol { SOCKET_IO, SOCKET_WEBSOCKET } SocketProtocol;
#define SOCKET_ACK_TIMEOUT 10.0

typedef struct SocketOptions {
  SocketProtocol protocol;
  Charge *charge; /* what waits to be sent, or to be handled, is charged there; a Socket
                     holds a reference; may be NULL */
  const void *group;  /* sockets of one may share a connection; NULL: none does */
  bool multiplex;     /* this one may; its namespace apart */
  bool msgpack;       /* packets as npm's socket.io-msgpack-parser has them */
  char *url;          /* ws, wss, http, https or unix */
  char *path;         /* Socket.IO: NULL: "/socket.io/"; websocket: NULL: the url's */
  char *nsp;          /* NULL: the url's path, as in the reference client, else "/" */
  char *query;        /* NULL, or "a=b&c=d", encoded */
  char **headers;     /* NULL, or NULL-terminated "Name: value" */
  char *subprotocols; /* websocket only */
  Route route;
  double timeout;              /* seconds for one attempt until connected; 0: 20 */
  EioTransports transports[2]; /* in the order in which they are tried; zeroed: WebSocket,
                                  then polling */
  bool try_all;                /* the next when one is not to be had */
  bool upgrade;                /* from polling to WebSocket */
  bool no_slash;               /* the path goes out as given */
  bool remember_upgrade;       /* begin with WebSocket when that has worked */
  double request_timeout;      /* seconds for what is sent by polling; 0: 20 */
  DeflateOptions deflate;      /* zeroed: no compression */
  bool reconnect;              /* try again after a failure or loss */
  double delay, max_delay;     /* seconds; 0: 1 and 5 */
  double attempts;             /* in a row; INFINITY: for ever */
  double jitter;               /* 0..1: the share of the (capped) delay that is random */
  size_t buffer_count;         /* packets kept while not connected; 0: 1000 */
  size_t buffer_bytes;         /* 0: 1 MiB */
  double buffer_age;  /* seconds after which a waiting packet is dropped; 0: 60 */
  int retries;        /* how often what is not acknowledged is sent again; 0: once only */
  double ack_timeout; /* seconds, for each time; 0: 10 */
  size_t send_buffer; /* bytes that the system has not taken; 0: 16 MiB */
  size_t max_message; /* 0: 64 MiB */
  /* Of a plain WebSocket: seconds from ping to ping, and after one until the server is
   * given up; 0: 25 and 20. */
  double heartbeat_interval, heartbeat_timeout;
  bool no_heartbeat;
} SocketOptions;

void socket_options_copy(SocketOptions *to,
                         const SocketOptions *from); /* to owns copies */
void socket_options_free(SocketOptions *options); /* frees the members, not the struct */
bool socket_options_equal(const SocketOptions *a, const SocketOptions *b);
/* Whether they differ in where and how to connect: such a change needs a new Socket; the
 * names of the options are appended to out, if it is not NULL. */
bool socket_options_moved(const SocketOptions *a, const SocketOptions *b, Buffer *out);
/* Whether they differ in what socket_retune can change. */
bool socket_options_tuned(const SocketOptions *a, const SocketOptions *b);
int socket_options_check(const SocketOptions *options,
                         Error *err); /* 0, URL or INVALID */

/* Fills in the defaults of what is 0. */
void socket_fill_options(SocketOptions *o);
/* Takes over what socket_retune can change, with the defaults. */
void socket_tune_options(SocketOptions *to, const SocketOptions *from);
/* Whether they lead elsewhere, or by another way, namespaces apart. */
bool socket_options_moved_way(const SocketOptions *a, const SocketOptions *b);
/* Returns 0 with new strings: the address to open, the query (or NULL), the namespace. */
int socket_address(const SocketOptions *o, char **address, char **query, char **nsp,
                   Error *err);

#endif
