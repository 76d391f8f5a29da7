/* See caches.h. */
#include "resource/caches.h"

#include <math.h>
#include <stdlib.h>

#include "data/cache_disk.h"
#include "resource/stores.h"

typedef struct CacheCore {
  Resource *res;
  Cache *cache;
  CacheDisk *disk; /* NULL: nothing of it is kept */
  Timer purge;     /* runs while something will be over */
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

static void log_memory_only(const CacheCore *core) {
  const Owner *owner = core->res->owner;
  log_write(owner->host->log, LOG_INFO, owner->name,
            "the cache %s is kept in memory alone: this process keeps nothing (--memory)",
            core->res->name);
}

static void log_unreadable(const CacheCore *core, const Error *why) {
  log_write(core->res->owner->host->log, LOG_ERROR, "cache",
            "the cache %s:%s goes on in memory alone: %s", core->res->owner->name,
            core->res->name, why->message);
}

/* An error: another process has the profile. */
static int open_disk(CacheCore *core, Error *err) {
  Host *host = core->res->owner->host;
  if (!host->resources->data && !host->resources->check_only) log_memory_only(core);
  if (!host->resources->data || host->resources->check_only) return 0;
  Db *db = stores_db(host, err);
  if (!db) return (int)err->code;
  char *name = xasprintf("%s:%s", core->res->owner->name, core->res->name);
  core->disk = cache_disk_open(host->loop, db, name, core->cache, now_of(host), err);
  free(name);
  if (!core->disk) log_unreadable(core, err);
  return 0;
}

static int open_cache(Resource *res, Error *err) {
  const CacheOptions *options = res->options;
  CacheCore *core = xcalloc(1, sizeof *core);
  core->res = res;
  core->purge.fire = on_purge;
  core->cache = cache_new(&options->limits, res->owner->charge);
  res->object = core;
  if (!options->persist || open_disk(core, err) == 0) return 0;
  cache_free(core->cache);
  free(core);
  res->object = NULL;
  return (int)err->code;
}

static void close_cache(Resource *res) {
  CacheCore *core = res->object;
  if (core->disk) cache_disk_close(core->disk, false);
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
  put_name(out, x->persist != y->persist, "persist");
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
  Error err;
  if (options->persist && !core->disk && open_disk(core, &err) != 0)
    log_unreadable(core, &err);
  if (options->persist || !core->disk) return;
  cache_disk_close(core->disk, true);
  core->disk = NULL;
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

void caches_save(Host *host) {
  for (Resource *r = host->resources->first; r; r = r->next) {
    CacheCore *core = r->kind == &cache_kind ? r->object : NULL;
    if (core && core->disk) cache_disk_save(core->disk);
  }
}
