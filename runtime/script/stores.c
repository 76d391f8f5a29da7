/* Scripts' stores: see stores.h. */
#include "script/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/persist.h"
#include "script/luajson.h"
#include "script/script.h"
#include "script/view.h"

enum { MAX_ROUNDS = 100, TRACED_PATHS = 32 };

typedef struct StoreCore StoreCore;
struct StoreCore {
  Resource *res;
  Store *store;
  StoreCore *next_dirty;
  bool dirty, changing;
  Persist *persist; /* NULL: nothing of it is kept */
};

struct Stores {
  Runtime *rt;
  Db *db; /* opened for the first store that keeps something */
  Event event;
  bool queued;
  StoreCore *dirty;
  uint64_t turn; /* whose rounds are counted */
  int rounds;
  Buffer looping; /* names of the stores of the last rounds */
};

/* --- telling ---------------------------------------------------------------------- */

static StoreCore *core_of(const Declaration *decl) {
  return decl->res ? decl->res->core : NULL;
}

static StoreCore *take_dirty(Stores *stores) {
  StoreCore *core = stores->dirty;
  stores->dirty = core->next_dirty;
  core->dirty = false;
  return core;
}

static void tell_all(StoreCore *core) {
  Value root = value_retain(store_root(core->store));
  for (Declaration *d = core->res->decls; d; d = d->next_bound)
    if (declaration_live(d) && d->extra && (!d->attached || store_share(d) != SHARE_NONE))
      subscriptions_tell(d->gen, d->extra, root);
  value_release(root);
}

/* Notes who takes part, once it looks like a loop. */
static void note_names(Stores *stores) {
  for (StoreCore *core = stores->dirty; core; core = core->next_dirty) {
    char *name = xasprintf("%s:%s", core->res->owner->name, core->res->name);
    if (!strstr(buffer_text(&stores->looping), name))
      buffer_printf(&stores->looping, "%s%s", stores->looping.len ? ", " : "", name);
    free(name);
  }
}

/* Subscribers change each other's stores without an end: they are left as they are. */
static void give_up(Stores *stores) {
  while (stores->dirty) take_dirty(stores);
  log_write(
      stores->rt->log, LOG_ERROR, "store",
      "subscribers change these stores in a loop, and were stopped after %d rounds: %s",
      MAX_ROUNDS, buffer_text(&stores->looping));
}

static void on_turn_over(Event *event) {
  Stores *stores = CONTAINER_OF(event, Stores, event);
  uint64_t turn = loop_turn(stores->rt->loop);
  stores->queued = false;
  if (turn != stores->turn) {
    stores->rounds = 0;
    buffer_clear(&stores->looping);
  }
  stores->turn = turn;
  if (stores->rounds > MAX_ROUNDS - 10) note_names(stores);
  if (++stores->rounds > MAX_ROUNDS) {
    give_up(stores);
    return;
  }
  StoreCore *round = stores->dirty; /* what is changed meanwhile is the next round's */
  stores->dirty = NULL;
  while (round) {
    StoreCore *core = round;
    round = core->next_dirty;
    core->dirty = false;
    tell_all(core);
  }
}

/* --- tracing ---------------------------------------------------------------------- */

typedef struct Traced {
  const StoreCore *core;
  const StoreChange *change;
} Traced;

static void set_string(lua_State *L, const char *key, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static void push_paths(lua_State *L, const StoreChange *change) {
  Buffer *text = luajson_scratch(L);
  store_changed_paths(change->before, change->after, TRACED_PATHS, text);
  const char *at = text->data, *end = text->data + text->len;
  lua_newtable(L);
  for (int n = 1; at < end; n++) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    lua_pushlstring(L, at, (size_t)(stop - at));
    lua_rawseti(L, -2, n);
    at = stop + 1;
  }
}

void store_fill_change(lua_State *L, const StoreChange *change) {
  lua_pushnumber(L, change->time);
  lua_setfield(L, -2, "time");
  set_string(L, "script", change->script);
  if (change->action) set_string(L, "action", change->action);
  push_paths(L, change);
  lua_setfield(L, -2, "paths");
  view_push(L, change->after);
  lua_setfield(L, -2, "state");
}

static int push_traced(lua_State *L, void *ctx) {
  Traced *t = ctx;
  lua_createtable(L, 0, 6);
  lua_pushfstring(L, "%s:%s", t->core->res->owner->name, t->core->res->name);
  lua_setfield(L, -2, "store");
  store_fill_change(L, t->change);
  return 1;
}

static void trace(StoreCore *core) {
  Runtime *rt = core->res->owner->rt;
  size_t count = store_history_count(core->store);
  Traced t = {core, store_history_at(core->store, count - 1)};
  Firing firing = {.source = "store.trace", .push = push_traced, .ctx = &t, .any = true};
  for (Script *s = rt->scripts; s; s = s->next)
    if (s->current && s->current->traces)
      handlers_fire(s->current, s->current->traces, &firing);
}

void store_changed(Declaration *decl) {
  StoreCore *core = core_of(decl);
  Stores *stores = core->res->owner->rt->stores;
  trace(core);
  if (core->persist) persist_changed(core->persist, store_root(core->store));
  if (core->dirty) return;
  core->dirty = true;
  core->next_dirty = stores->dirty;
  stores->dirty = core;
  if (stores->queued) return;
  stores->queued = true;
  loop_after_turn(stores->rt->loop, &stores->event);
}

/* --- the resource ----------------------------------------------------------------- */

/* Writing that fails is logged by the database. */
static void on_persist_failed(void *ctx, const Error *err) {
  StoreCore *core = ctx;
  if (err && err->code != ERR_IO)
    log_write(core->res->owner->rt->log, LOG_ERROR, "store", "%s", err->message);
}

static int need_db(Runtime *rt, Error *err) {
  DbOptions options = {.folder = rt->options.data};
  if (!rt->stores->db) rt->stores->db = db_open(rt->loop, &options, err);
  return rt->stores->db ? 0 : err->code;
}

/* What is stored with an older version is nothing that this one could read. */
static void check_version(StoreCore *core, const StoreOptions *o, int64_t stored,
                          Value *loaded, Error *err) {
  if (stored < 0 || stored == o->version) return;
  char why[80];
  snprintf(why, sizeof why, "it has version %lld, not %lld", (long long)stored,
           (long long)o->version);
  value_release(*loaded);
  *loaded = value_object(store_account(core->store));
  persist_set_aside(core->persist, why, err);
}

/* Opens what is kept of the store, if anything is to be; *loaded is new then. */
static int open_persist(StoreCore *core, Value *loaded, Error *err) {
  Runtime *rt = core->res->owner->rt;
  const StoreOptions *o = core->res->options;
  *loaded = (Value){0};
  if (!o->persist_count || !rt->options.data || rt->options.check_only) return 0;
  if (need_db(rt, err) != 0) return err->code;
  char *name = xasprintf("%s:%s", core->res->owner->name, core->res->name);
  PersistOptions options = {.name = name,
                            .keys = (const char *const *)o->persist,
                            .key_count = o->persist_count,
                            .delay = o->persist_delay,
                            .version = o->version,
                            .failed = on_persist_failed,
                            .ctx = core};
  int64_t stored;
  Error aside;
  core->persist = persist_open(rt->loop, rt->stores->db, &options,
                               store_account(core->store), loaded, &stored, &aside);
  free(name);
  if (!core->persist) return *err = aside, err->code;
  check_version(core, o, stored, loaded, &aside);
  if (aside.code != ERR_NONE) log_write(rt->log, LOG_ERROR, "store", "%s", aside.message);
  return 0;
}

/* What is kept comes first; what that lacks is as in the initial state. */
static int open_store(Resource *res, Error *err) {
  StoreOptions *options = res->options;
  StoreCore *core = xcalloc(1, sizeof *core);
  Value loaded;
  core->res = res;
  core->store = store_new(&options->limits);
  if (open_persist(core, &loaded, err) != 0) {
    store_free(core->store);
    free(core);
    return err->code;
  }
  if (loaded.type == VALUE_OBJECT) store_set_initial(core->store, loaded);
  store_set_initial(core->store, value_retain(options->initial));
  res->core = core;
  return 0;
}

static bool same_keys(const StoreOptions *a, const StoreOptions *b) {
  if (a->persist_count != b->persist_count) return false;
  for (size_t i = 0; i < a->persist_count; i++)
    if (strcmp(a->persist[i], b->persist[i]) != 0) return false;
  return true;
}

/* The options are new ones. The state in memory is what counts. */
static void adjust_persist(StoreCore *core, bool other_keys) {
  const StoreOptions *o = core->res->options;
  if (other_keys) {
    Error err = {0};
    Value loaded;
    if (core->persist) persist_close(core->persist);
    core->persist = NULL;
    if (open_persist(core, &loaded, &err) != 0)
      log_write(core->res->owner->rt->log, LOG_ERROR, "store", "%s", err.message);
    value_release(loaded);
  }
  if (!core->persist) return;
  persist_retune(core->persist, o->version, o->persist_delay);
  persist_changed(core->persist, store_root(core->store));
}

static void forget_dirty(StoreCore *core) {
  StoreCore **at = &core->res->owner->rt->stores->dirty;
  while (*at && *at != core) at = &(*at)->next_dirty;
  if (*at) *at = core->next_dirty;
}

static void close_store(Resource *res) {
  StoreCore *core = res->core;
  if (core->dirty) forget_dirty(core);
  if (core->persist) persist_close(core->persist);
  store_free(core->store);
  free(core);
  res->core = NULL;
}

static bool store_alive(const Resource *res) {
  (void)res;
  return false; /* state alone is nothing to wait for */
}

static void free_store_options(void *p) {
  StoreOptions *options = p;
  value_release(options->initial);
  value_account_close(options->account);
  for (size_t i = 0; i < options->persist_count; i++) free(options->persist[i]);
  free(options->persist);
  free(options);
}

/* A new version's options are in force from now on; keys that are new in its initial
 * state come in. Those who subscribed while it loaded begin with what is there now. */
static void join_store(Declaration *decl) {
  Resource *res = decl->res;
  StoreCore *core = res->core;
  if (!decl->attached && decl->options) {
    StoreOptions *options = decl->options;
    bool other_keys = !same_keys(res->options, options);
    free_store_options(res->options);
    res->options = options;
    decl->options = NULL;
    store_set_initial(core->store, value_retain(options->initial));
    adjust_persist(core, other_keys);
  }
  if (decl->extra && declaration_live(decl))
    subscriptions_baseline(decl->gen, decl->extra, store_root(core->store));
}

static void drop_store(Declaration *decl) {
  if (!decl->extra) return;
  subscriptions_free(decl->gen, decl->extra);
  free(decl->extra);
  decl->extra = NULL;
}

const ResourceKind store_kind = {.name = "store",
                                 .open = open_store,
                                 .close = close_store,
                                 .alive = store_alive,
                                 .free_options = free_store_options,
                                 .join = join_store,
                                 .drop = drop_store};

Store *store_of(const Declaration *decl) {
  StoreCore *core = core_of(decl);
  return core ? core->store : NULL;
}

Share store_share(const Declaration *decl) {
  if (!decl->attached) return SHARE_WRITE;
  return decl->res ? ((StoreOptions *)decl->res->options)->share : SHARE_NONE;
}

Subscriptions *store_subscriptions(Declaration *decl) {
  if (!decl->extra) decl->extra = xcalloc(1, sizeof(Subscriptions));
  return decl->extra;
}

bool store_begin_change(Declaration *decl) {
  StoreCore *core = core_of(decl);
  if (core->changing) return false;
  core->changing = true;
  return true;
}

void store_end_change(Declaration *decl) {
  StoreCore *core = core_of(decl);
  if (core) core->changing = false;
}

/* --- life ------------------------------------------------------------------------- */

Stores *stores_new(Runtime *rt) {
  Stores *stores = xcalloc(1, sizeof *stores);
  stores->rt = rt;
  stores->event.run = on_turn_over;
  return stores;
}

void stores_close(Stores *stores) {
  if (stores->db) db_close(stores->db);
  stores->db = NULL;
}

void stores_free(Stores *stores) {
  CHECK(stores->dirty == NULL);
  buffer_free(&stores->looping);
  free(stores);
}
