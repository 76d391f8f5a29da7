/* The connections of HTTP that are kept between two requests. Each net has one; loop
 * thread only.
 *
 * What holds: a connection that is taken from the pool has nothing to be read. Bytes that
 * come while it is kept, or an end, close it: whatever they are, they are nobody's
 * answer. */
#ifndef TIDELOCK_NET_POOL_H
#define TIDELOCK_NET_POOL_H

#include "net/httpconn.h"

typedef struct Pool Pool;

Pool *pool_of(Net *net); /* made when first asked for, freed with the net */

/* Takes a connection of that key and owner that has been idle for less than so many
 * seconds, or NULL. Whoever takes it sets events and ctx. */
HttpConn *pool_take(Pool *pool, const char *key, const void *owner, double idle);
/* It is the pool's now, for so many seconds if nobody takes it; 0: 118. */
void pool_give(Pool *pool, HttpConn *conn, double seconds);
/* Closes the oldest of a key and owner until at most so many are left. */
void pool_trim(Pool *pool, const char *key, const void *owner, int most);
/* Closes those like this one, which has failed: they may be as dead. */
void pool_distrust(Pool *pool, const HttpConn *failed);
void pool_empty(Pool *pool);                   /* closes all */
void pool_forget(Net *net, const void *owner); /* closes those of an owner */

#endif
