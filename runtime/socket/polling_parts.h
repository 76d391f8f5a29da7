/* The types that the files of the polling transport share; nobody else includes it. The
 * essay stands in engine_polling.c. */
#ifndef TIDELOCK_SOCKET_POLLING_PARTS_H
#define TIDELOCK_SOCKET_POLLING_PARTS_H

#include "net/http.h"
#include "socket/engine_parts.h"
#include "socket/engine_pieces.h"

/* What a request is made of. */
typedef struct Request {
  char *url, **headers;
  HttpOptions options; /* borrows them */
} Request;

typedef struct Leaving {
  Polling *polling;
  NetRest rest;
  Timer late;
  Request request; /* of a POST */
  Route route;     /* owned */
  double patience;
  size_t max_payload;
  HttpDone *posted;
  void (*over)(Polling *p); /* all is said, or cannot be */
} Leaving;

struct Polling {
  Engine *engine;   /* NULL: over, or leaving */
  Leaving *leaving; /* owned */
  Net *net;
  HttpRequest *get, *post;
  HttpRequest *spare; /* a second one that opens the session; the first answer counts */
  Pieces queue;       /* that wait */
  size_t posting;     /* bytes that are on their way */
  Buffer got;         /* an answer of which `rest` is still to be taken */
  char *rest;
  size_t left;
  uint32_t fence, passed; /* behind what is on its way; behind nothing; 0: none */
  BeforeWait flush;
  Timer more;     /* the rest of an answer is due */
  Charge *charge; /* a reference; what waits and what came is charged there */
  size_t charged;
  double opening_until; /* the request that opens the session is given up */
  Timer silent;         /* the request that opens the session should have been answered */
  bool draining, taking;
  bool posted; /* a POST was answered */
  int busy;
};

#endif
