/* Which connections lead to the same place by the same way, so that Sockets can share
 * them: found by a hash, however many there are. Between manager.c and its net; loop
 * thread only. */
#ifndef TIDELOCK_SOCKET_MANAGER_SHARE_H
#define TIDELOCK_SOCKET_MANAGER_SHARE_H

#include "net/net.h"
#include "socket/socket_options.h"

typedef struct SharePlace SharePlace;

/* Embed it; options (with a group), address and query (may be NULL) are borrowed from
 * share_add to share_remove. The rest is this file's. */
typedef struct Sharer Sharer;
struct Sharer {
  const SocketOptions *options;
  const char *address, *query;
  SharePlace *place; /* NULL: it is not to be found */
  Sharer *older, *newer;
};

/* The newest of those that lead where `like` (which is in no list) would; go on with
 * `older`. NULL: none does. */
Sharer *share_find(Net *net, const Sharer *like);
void share_add(Net *net, Sharer *sharer);
void share_remove(Net *net, Sharer *sharer); /* harmless when it is not there */

#endif
