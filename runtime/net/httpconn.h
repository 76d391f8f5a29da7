/* A connection for HTTP/1.1: made by curl, which does names, addresses, TLS and proxies;
 * read and written here. Loop thread only.
 *
 * Owned by whoever opened it or took it from the pool, until it is closed or given to the
 * pool. It is watched as long as it stands: between two requests by the pool, to which
 * any byte, and an end, means that it cannot be used again. */
#ifndef TIDELOCK_NET_HTTPCONN_H
#define TIDELOCK_NET_HTTPCONN_H

#include "net/transfer.h"
#include "net/route.h"

typedef struct HttpConn HttpConn;

/* What it reports to its owner, from the poll. Each may close the connection. */
typedef struct HttpConnEvents {
  void (*connected)(void *ctx, CURLcode result);
  void (*readable)(void *ctx);
  void (*writable)(void *ctx);
} HttpConnEvents;

struct HttpConn {
  Net *net;
  Transfer transfer; /* its easy handle is there until connected, and as long as tls */
  const HttpConnEvents *events;
  void *ctx;
  uv_poll_t *poll; /* NULL until connected */
  curl_socket_t fd;
  bool tls, wants_write, deaf; /* deaf: `readable` is not called */
  int os_error;                /* of reading or writing */
  unsigned used;               /* how many requests it has served */
  /* the pool's */
  char *key;
  uint64_t hash;
  const void *owner;
  double idle_since, idle_until;
  HttpConn *next, **at;
  char words[CURL_ERROR_SIZE];
};

/* Where to, and by which way; borrowed for the call. */
typedef struct HttpConnWay {
  const NetUrl *url; /* with `route`, unless via is there */
  const Route *route;
  const char *via;        /* the URL of an HTTP proxy that is to be asked for the whole */
  double connect_timeout; /* seconds */
} HttpConnWay;

/* Returns new; `connected` follows. Takes key. */
HttpConn *httpconn_open(Net *net, const HttpConnWay *way, char *key, const void *owner,
                        const HttpConnEvents *events, void *ctx);
void httpconn_close(HttpConn *conn); /* and frees; legal from its events */
/* CURLE_AGAIN: nothing now. CURLE_OK with 0 bytes: the peer has ended the connection;
 * over TLS it has said so. */
CURLcode httpconn_read(HttpConn *conn, char *to, size_t room, size_t *len);
CURLcode httpconn_write(HttpConn *conn, const char *from, size_t count, size_t *len);
void httpconn_want_write(HttpConn *conn, bool wants); /* whether `writable` is called */
void httpconn_want_read(HttpConn *conn, bool wants);  /* whether `readable` is; at first
                                                         it is */

#endif
