/* What all clients share: one curl multi handle on the loop, made when first needed. */
#ifndef TIDELOCK_NET_NET_H
#define TIDELOCK_NET_NET_H

#include <curl/curl.h>

#include "core/error.h"
#include "net/loop.h"

typedef struct Net Net;

Net *net_new(Loop *loop); /* cheap: curl is initialised with the first transfer */
void net_free(Net *net);  /* CHECKs that no transfer is left; closes its uv handles, which
                             loop_finish then waits for */
Loop *net_loop(Net *net);

/* A transfer: embed it. `done` is called from the poll, never in dispatch: push an Event
 * for what concerns Lua. When it is called the easy handle is still in the multi handle
 * (a CONNECT_ONLY connection must stay there). */
typedef struct Transfer Transfer;
struct Transfer {
  CURL *easy;
  void (*done)(Transfer *transfer, CURLcode result);
};
CURL *net_easy(Net *net); /* returns new, with the options all transfers share */
void net_add(Net *net, Transfer *transfer);
/* Removes the transfer and cleans its easy handle up; legal from anywhere but curl's own
 * callbacks (write, header, progress). Closing its connections may take another turn. */
void net_remove(Net *net, Transfer *transfer);

/* The error for a finished transfer: code, phase and sent told apart, with curl's own
 * words as the detail. `what` is the URL, shown without credentials. */
void net_error(Error *err, CURL *easy, CURLcode result, const char *curl_words,
               const char *what);

#endif
