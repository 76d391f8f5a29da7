/* See caches.h. */
#include "resource/caches.h"

#include <math.h>
#include <stdlib.h>

typedef struct CacheCore {
  Resource *res;
  Cache *cache;
  Timer purge; /* runs while something will be over */
} CacheCore;

static double now_of(const Host *host) {
  return wakes_now(net_wakes(host->resources->net));
}

/* --- giving back what is over ------------------------------------------------------ */

/* At most once a second: its times may come one by one. */
static void arm_purge(CacheCore *core, double due) {
  Host *host = core->res->owner->host;
  if (isfinite(due)) timer_start(host->loop, &core->purge, fmax(1, due - now_of(host)));
}

static void on_purge(Timer *timer) {
  CacheCore *core = CONTAINER_OF(timer, CacheCore, purge);
  arm_purge(core, cache_purge(core->cache, now_of(core->res->owner->host)));
}

void cache_purge_later(const Declaration *decl) {
  CacheCore *core = decl->res->object;
  if (!timer_active(&core->purge))
    arm_purge(core, cache_purge(core->cache, now_of(core->res->owner->host)));
}

/* --- the resource ----------------------------------------------------------------- */

static int open_cache(Resource *res, Error *err) {
  (void)err;
  const CacheOptions *options = res->options;
  CacheCore *core = xcalloc(1, sizeof *core);
  core->res = res;
  core->purge.fire = on_purge;
  core->cache = cache_new(&options->limits, res->owner->charge);
  res->object = core;
  return 0;
}

static void close_cache(Resource *res) {
  CacheCore *core = res->object;
  timer_stop(res->owner->host->loop, &core->purge);
  cache_free(core->cache);
  free(core);
  res->object = NULL;
}

static bool cache_alive(const Resource *res) {
  (void)res;
  return false; /* nothing to wait for */
}

static void put_name(Buffer *out, bool differs, const char *name) {
  if (differs) buffer_printf(out, "%s%s", out->len ? ", " : "", name);
}

void cache_options_differ(const void *a, const void *b, Buffer *out) {
  const CacheOptions *x = a, *y = b;
  put_name(out, x->limits.entries != y->limits.entries, "max_entries");
  put_name(out, x->limits.bytes != y->limits.bytes, "max_bytes");
  put_name(out, x->limits.ttl != y->limits.ttl, "ttl");
  put_name(out, x->limits.keep != y->limits.keep, "keep_stale");
}

static bool same_options(const void *a, const void *b) {
  Buffer names = {0};
  cache_options_differ(a, b, &names);
  bool same = names.len == 0;
  buffer_free(&names);
  return same;
}

static bool change_in_place(const void *a, const void *b) {
  (void)a, (void)b;
  return true;
}

static void change_cache(Resource *res, const void *before) {
  (void)before;
  const CacheOptions *options = res->options;
  CacheCore *core = res->object;
  cache_limit(core->cache, &options->limits, now_of(res->owner->host));
}

const ResourceKind cache_kind = {.name = "cache",
                                 .open = open_cache,
                                 .close = close_cache,
                                 .alive = cache_alive,
                                 .same = same_options,
                                 .in_place = change_in_place,
                                 .change = change_cache,
                                 .differs = cache_options_differ,
                                 .free_options = free};

/* --- for the binding -------------------------------------------------------------- */

Cache *cache_of(const Declaration *decl) {
  const CacheCore *core = decl->res ? decl->res->object : NULL;
  return core ? core->cache : NULL;
}

double cache_now(const Declaration *decl) {
  return now_of(decl->vm->host);
}
