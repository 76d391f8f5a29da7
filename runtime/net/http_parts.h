/* The types that the files of HTTP requests share; nobody else includes it. The essay
 * stands in http.c. */
#ifndef TIDELOCK_NET_HTTP_PARTS_H
#define TIDELOCK_NET_HTTP_PARTS_H

#include "net/http.h"
#include "net/http_slots.h"
#include "net/httpconn.h"
#include "net/net_url.h"
#include "net/transfer.h"
#include "proto/coding.h"
#include "proto/http1_client.h"

/* One hop on a connection of ours (http_exchange.c). */
typedef struct Exchange {
  HttpConn *conn;   /* owned; NULL: it is over */
  unsigned conns;   /* how many the request has had, in all hops */
  RouteProxy proxy; /* that is asked for the whole URL; url NULL: none is */
  char *key;        /* of its connection, in the pool; owned */
  Buffer out;       /* the request; a large body is sent from where it is */
  size_t written;
  bool connecting, sending, heard; /* heard: a byte of an answer came */
  bool reused, repeated;
  bool crowded;      /* it was tried again after there was no descriptor for it */
  Timer limit, more; /* more: there was too much to read at once */
} Exchange;

/* One hop by curl's own HTTP (http_curl.c). */
typedef struct CurlHop {
  Transfer transfer;
  struct curl_slist *lines;
  size_t body_sent;
  bool head_complete; /* the empty line came */
  char words[CURL_ERROR_SIZE];
} CurlHop;

/* What is told of a body that passes (http_progress.c). */
typedef struct HttpPassed {
  HttpProgress *tell; /* NULL: nobody asks */
  void *ctx;
  uint64_t done, total, told; /* told: UINT64_MAX: nothing yet */
  double told_at;
  Timer timer;
} HttpPassed;

/* A body that is read as it comes (http_stream.c). */
typedef struct HttpStream {
  bool asked, open_ended; /* asked: for a stream */
  double idle;            /* seconds */
  bool opened;            /* the head came: the rest is its reader's */
  bool told;              /* done was called */
  bool queued;            /* the event is in the inbox */
  bool waits;             /* the reader wants to hear of more */
  bool paused, over;
  Timer limit;
  void (*more)(void *ctx);
  void *ctx;
} HttpStream;

struct HttpRequest {
  Event event;
  Net *net;
  HttpDone *done;
  void *ctx;

  /* what was asked for */
  char *method;
  NetUrl url; /* of this hop */
  char *first_origin;
  char *user, *password;
  char **headers;   /* NULL-terminated */
  Cookies *cookies; /* borrowed; NULL: none */
  char *cookie;     /* "Cookie: ..." of this hop, of the jar and the headers; owned */
  Buffer body;      /* see http_body.h */
  HttpFile *files;
  size_t file_count;
  double connect_timeout, deadline; /* deadline: monotonic; INFINITY: none */
  size_t max_body;
  int max_connections; /* 0: any number */
  double keep_alive;
  int redirects_left; /* -1: they are not followed */
  bool http2, once, raw;
  bool guarded, probes; /* probes: its breaker waits to hear how it ends */
  int taken;
  Charge *charge; /* holds a reference */
  size_t charged;
  const void *owner;
  Route route;

  /* this hop */
  SlotTurn slot;
  Timer slot_limit;   /* the deadline, while it waits for a place */
  Http1Answer answer; /* of curl's: the head alone */
  Coding *coding;     /* NULL: the body is as it is */
  bool forwarded;     /* a proxy was asked for the whole URL */
  bool discards;      /* it leads elsewhere: its body is not looked at */
  Exchange exchange;
  CurlHop curl;
  /* It is over, and nothing is open: the next one begins, or the answer is delivered. */
  void (*hop_over)(HttpRequest *r);
  void (*stop_hop)(HttpRequest *r);   /* ends what of it is open */
  void (*resume_hop)(HttpRequest *r); /* its body is read on */
  void (*release)(HttpRequest *r);    /* frees it; nothing of it is under way */

  HttpStream stream;
  HttpPassed passed;
  HttpResponse response;
  Error error;
  bool cancelled, delivering;
  bool followed; /* at least one redirect: the first server has seen the request */
};

#endif
