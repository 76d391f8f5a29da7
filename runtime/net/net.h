/* What all clients share: one curl multi handle on the loop, made when first needed. */
#ifndef TIDELOCK_NET_NET_H
#define TIDELOCK_NET_NET_H

#include <curl/curl.h>

#include "core/blocks.h"
#include "core/error.h"
#include "core/index.h"
#include "loop/loop.h"
#include "net/pace.h"
#include "loop/wake.h"

typedef struct Net Net;

Net *net_new(Loop *loop); /* cheap: curl is initialised with the first transfer */
void net_free(Net *net);  /* CHECKs that no transfer is left; closes its uv handles, which
                             loop_finish then waits for */
Loop *net_loop(Net *net);
Pace *net_pace(Net *net); /* of the attempts to connect */
Wakes *net_wakes(Net *net);
/* The places to which connections lead that Sockets share (socket/manager_share.c). */
Index *net_shares(Net *net);
/* What is made for the whole net when it is first needed, and goes with it. Embed it. */
typedef struct NetShared NetShared;
struct NetShared {
  void (*free)(NetShared *shared); /* from net_free: ends and releases it */
};
/* Where the kept connections of HTTP are (net/pool.c); NULL: there are none yet. */
NetShared **net_pool(Net *net);

/* A transfer: embed it. `done` is called from the poll, never in dispatch: push an Event
 * for what concerns Lua. When it is called the easy handle is still in the multi handle
 * (a CONNECT_ONLY connection must stay there). */
typedef struct Transfer Transfer;
struct Transfer {
  CURL *easy;
  void (*done)(Transfer *transfer, CURLcode result);
  const char *phase;   /* how far it is: "dns", "connect", "tls", "response"; the net's */
  bool tls;            /* part of the way is encrypted (a proxy's, too); the net's */
  int layers;          /* of TLS that were begun; the net's */
  char *proxy;         /* the one on the way, for messages; NULL: none. Owned; net_remove
                          frees it */
  bool no_files;       /* there was no descriptor for it; the net's */
  struct Apart *apart; /* where its connection is kept, if not with all; the net's */
  curl_socket_t taken; /* not curl's any more; the net's */
};
/* As curl takes times; 0 would be "no limit of mine", so that the least is 1 ms. */
long net_milliseconds(double seconds);
CURL *net_easy(Net *net); /* returns new, with the options all transfers share */
void net_add(Net *net, Transfer *transfer);
/* As net_add, for CONNECT_ONLY: its connection is kept apart from all others. */
void net_add_apart(Net *net, Transfer *transfer);
/* For the `done` of such a transfer: removes it (net_remove), but its socket stays open
 * and is the caller's. Not where something on the way is encrypted. CURL_SOCKET_BAD: the
 * peer has hung up already. */
curl_socket_t net_take_socket(Net *net, Transfer *transfer);
/* Removes the transfer and cleans its easy handle up; legal from anywhere but curl's own
 * callbacks (write, header, progress). Closing its connections may take another turn. */
void net_remove(Net *net, Transfer *transfer);

/* The error for a finished transfer: with code, phase and sent, and curl's own
 * words as the detail. `what` is the URL, shown without credentials and query. */
void net_error(Error *err, CURL *easy, CURLcode result, const char *curl_words,
               const char *what);

/* Work put off to the end of the turn (before the loop waits), so that what one turn
 * wants written goes out in one write. Embed it, zeroed but for `run`. */
typedef struct TurnEnd TurnEnd;
struct TurnEnd {
  void (*run)(TurnEnd *work);
  TurnEnd *next, **at; /* the net's; at NULL: not queued */
};
void net_at_turn_end(Net *net, TurnEnd *work); /* harmless when it is queued */
void net_turn_end_cancel(TurnEnd *work);

/* What may outlive whoever began it (a request that says goodbye). Embed it; net_free
 * ends what is left. */
typedef struct NetRest NetRest;
struct NetRest {
  void (*end)(NetRest *rest); /* from net_free: ends and releases it */
  NetRest *next, **at;        /* the net's */
};
void net_rest(Net *net, NetRest *rest);
void net_rest_over(NetRest *rest); /* it has ended by itself */
bool net_has_rest(const Net *net);
/* Runs the loop until all have ended by themselves; so many seconds at most. */
void net_settle(Net *net, double seconds);

/* Borrows memory shared by all connections to read into: valid until the poll callback
 * returns. */
enum { NET_SCRATCH = 64 * 1024 };
char *net_scratch(Net *net);
Blocks *net_blocks(Net *net); /* for what comes and goes with each message */

/* Unpredictable bytes: masks, keys, jitter. From the system, a pool at a time. */
void net_random(Net *net, void *out, size_t len);
double net_random_share(Net *net); /* 0 <= x < 1 */

/* --- the end of TLS -------------------------------------------------------------------
 * Whether the peer has said by TLS that nothing more will come: a close_notify, or an
 * alert. It is looked for in the process's OpenSSL, since only curl links it; where curl
 * brings another library it is not known. */
typedef enum NetTlsEnd { NET_TLS_NOT_ENDED, NET_TLS_ENDED, NET_TLS_UNKNOWN } NetTlsEnd;
NetTlsEnd net_tls_ended(CURL *easy);
/* Why the peer refused a connection that failed with `result`; NULL: it did not. With TLS
 * 1.3 a server that wants a certificate says so behind the handshake. `words` are curl's,
 * which keeps the first that it had to say alone: that writing failed, perhaps. */
const char *net_tls_alert(CURL *easy, CURLcode result, const char *words);

#endif
