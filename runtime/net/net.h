/* What all clients share: one curl multi handle on the loop, made when first needed. What
 * goes over it stands in net/transfer.h, which alone brings curl's types. */
#ifndef TIDELOCK_NET_NET_H
#define TIDELOCK_NET_NET_H

#include "core/blocks.h"
#include "core/error.h"
#include "core/index.h"
#include "loop/loop.h"
#include "net/pace.h"
#include "loop/wake.h"

typedef struct Net Net;
typedef struct NetFake NetFake;   /* net/fakes.h */
typedef struct Transfer Transfer; /* net/transfer.h */

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
/* Likewise the breakers and retry budgets of HTTP (net/guard.c). */
NetShared **net_guards(Net *net);
/* Likewise the places of connections (net/http_slots.c). */
NetShared **net_slots(Net *net);

/* --- for tests -----------------------------------------------------------------------
 */
NetFake **net_fakes(Net *net); /* the fake servers */
/* Closes the connections that are kept; false: others, to the outside, are open. */
bool net_is_quiet(Net *net);
/* Whether curl wants to be called at once: what it is about to do has not begun. */
bool net_is_busy(Net *net);

/* Work put off until the loop is about to wait: what all turns of a round want written
 * goes out in one write. (A turn is one event or timer; a round of the loop has many.)
 * Embed it, zeroed but for `run`. */
typedef struct BeforeWait BeforeWait;
struct BeforeWait {
  void (*run)(BeforeWait *work);
  BeforeWait *next, **at; /* the net's; at NULL: not queued */
};
void net_before_wait(Net *net, BeforeWait *work); /* harmless when it is queued */
void net_before_wait_cancel(BeforeWait *work);

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

#endif
