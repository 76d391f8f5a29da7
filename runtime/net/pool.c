/* Kept connections: see pool.h. A list, the latest first; it is never long. */
#include "net/pool.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_KEPT = 256 };
static const double longest_idle = 118; /* seconds; curl's own */

struct Pool {
  NetShared shared;
  Net *net;
  HttpConn *first;
  size_t count;
  Timer sweep; /* runs while there are any */
};

/* By a clock that goes on while the machine sleeps: what was kept before is old then. */
static double now_of(const Pool *pool) {
  return wakes_now(net_wakes(pool->net));
}

static void leave_pool(Pool *pool, HttpConn *conn) {
  *conn->at = conn->next;
  if (conn->next) conn->next->at = conn->at;
  conn->at = NULL;
  pool->count--;
  if (!pool->first) timer_stop(net_loop(pool->net), &pool->sweep);
}

static void drop_kept(Pool *pool, HttpConn *conn) {
  leave_pool(pool, conn);
  httpconn_close(conn);
}

/* A ticket of TLS 1.3 makes a socket readable without a byte for us. */
static bool is_quiet(HttpConn *conn) {
  char byte;
  size_t len;
  return httpconn_read(conn, &byte, 1, &len) == CURLE_AGAIN;
}

static void on_readable(void *ctx) {
  HttpConn *conn = ctx;
  if (!is_quiet(conn)) drop_kept(pool_of(conn->net), conn);
}

static const HttpConnEvents kept = {.readable = on_readable, .writable = on_readable};

static void await_oldest(Pool *pool, double now) {
  double next = longest_idle;
  for (HttpConn *conn = pool->first; conn; conn = conn->next)
    if (conn->idle_until - now < next) next = conn->idle_until - now;
  timer_start(net_loop(pool->net), &pool->sweep, next > 0 ? next : 0);
}

static void on_sweep(Timer *timer) {
  Pool *pool = CONTAINER_OF(timer, Pool, sweep);
  double now = now_of(pool);
  for (HttpConn *conn = pool->first, *next; conn; conn = next) {
    next = conn->next;
    if (now >= conn->idle_until) drop_kept(pool, conn);
  }
  if (pool->first) await_oldest(pool, now);
}

void pool_empty(Pool *pool) {
  while (pool->first) drop_kept(pool, pool->first);
}

static void free_pool(NetShared *shared) {
  Pool *pool = CONTAINER_OF(shared, Pool, shared);
  pool_empty(pool);
  free(pool);
}

Pool *pool_of(Net *net) {
  NetShared **place = net_pool(net);
  if (*place) return CONTAINER_OF(*place, Pool, shared);
  Pool *pool = xcalloc(1, sizeof *pool);
  pool->shared.free = free_pool;
  pool->net = net;
  pool->sweep.fire = on_sweep;
  *place = &pool->shared;
  return pool;
}

static uint64_t hash_of(const char *text) {
  uint64_t hash = 1469598103934665603u;
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
  return hash;
}

HttpConn *pool_take(Pool *pool, const char *key, const void *owner, double idle) {
  double now = now_of(pool);
  uint64_t hash = hash_of(key);
  for (HttpConn *conn = pool->first, *next; conn; conn = next) {
    next = conn->next;
    if (conn->owner != owner || conn->hash != hash || strcmp(conn->key, key) != 0)
      continue;
    if (now - conn->idle_since >= idle) return NULL; /* the others are older */
    if (now < conn->idle_until && is_quiet(conn)) {
      leave_pool(pool, conn);
      return conn;
    }
    drop_kept(pool, conn);
  }
  return NULL;
}

static HttpConn *find_oldest(Pool *pool) {
  HttpConn *conn = pool->first;
  while (conn->next) conn = conn->next;
  return conn;
}

void pool_give(Pool *pool, HttpConn *conn, double seconds) {
  double idle = seconds <= 0 || seconds > longest_idle ? longest_idle : seconds;
  httpconn_want_write(conn, false);
  httpconn_want_read(conn, true);
  conn->events = &kept;
  conn->ctx = conn;
  conn->hash = hash_of(conn->key);
  conn->idle_since = now_of(pool);
  conn->idle_until = conn->idle_since + idle;
  bool sooner = idle < longest_idle || !pool->first;
  conn->next = pool->first;
  conn->at = &pool->first;
  if (conn->next) conn->next->at = &conn->next;
  pool->first = conn;
  if (sooner) await_oldest(pool, conn->idle_since);
  if (++pool->count > MOST_KEPT) drop_kept(pool, find_oldest(pool));
}

void pool_trim(Pool *pool, const char *key, const void *owner, int most) {
  for (HttpConn *conn = pool->first, *next; conn; conn = next) {
    next = conn->next;
    if (conn->owner == owner && strcmp(conn->key, key) == 0 && most-- <= 0)
      drop_kept(pool, conn);
  }
}

static bool is_like(const HttpConn *a, const HttpConn *b) {
  return a->owner == b->owner && strcmp(a->key, b->key) == 0;
}

void pool_distrust(Pool *pool, const HttpConn *failed) {
  for (HttpConn *conn = pool->first, *next; conn; conn = next) {
    next = conn->next;
    if (is_like(conn, failed)) drop_kept(pool, conn);
  }
}

void pool_forget(Net *net, const void *owner) {
  Pool *pool = *net_pool(net) ? pool_of(net) : NULL;
  if (!pool) return;
  for (HttpConn *conn = pool->first, *next; conn; conn = next) {
    next = conn->next;
    if (conn->owner == owner) drop_kept(pool, conn);
  }
}
