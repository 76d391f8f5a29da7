/* One server, as the files of the shared object see it; door.h is what others see. Owned
 * by the room until nothing refers to it: neither its context, nor a connection, nor a
 * delivery in the inbox. */
#ifndef TIDELOCK_SERVER_SERVER_H
#define TIDELOCK_SERVER_SERVER_H

#include <libwebsockets.h>
#include <uv.h>

#include "server/door.h"

typedef struct Conn Conn;
typedef struct Losses Losses; /* losses.h */

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
  Losses *losses; /* NULL once closed */
  unsigned refs;  /* the context, each Conn, each Delivery */
  Timer reap;
  const struct ConnOps *first_ops; /* of a new connection: HTTP's */
  Conn **slots;                    /* a Conn's place is the low part of its id */
  size_t slot_count, connections;
};

/* Puts a server into the room, with the options given and defaults for the others. */
Server *server_new(ServerRoom *room, const ServerOptions *options);
void server_unref(Server *server);
/* Copies the options; each 0 becomes its default. */
void server_set_limits(Server *server, const ServerOptions *given);

#endif
