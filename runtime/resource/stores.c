/* Scripts' stores: see stores.h. */
#include "resource/stores.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/luajson.h"
#include "resource/stores_persist.h"
#include "bridge/view.h"
#include "vm/watchdog.h"

enum { MAX_ROUNDS = 100, TRACED_PATHS = 32 };

static StoreExtra *store_extra(Declaration *decl) {
  if (!decl->extra) decl->extra = xcalloc(1, sizeof(StoreExtra));
  return decl->extra;
}

/* --- notifying ---------------------------------------------------------------------- */

static StoreCore *core_of(const Declaration *decl) {
  return decl->res ? decl->res->object : NULL;
}

static StoreCore *take_dirty(Stores *stores) {
  StoreCore *core = stores->dirty;
  stores->dirty = core->next_dirty;
  core->dirty = false;
  return core;
}

/* Whether it subscribes, and may. */
static bool is_heard(const Declaration *d) {
  return declaration_live(d) && d->extra && store_share(d) != SHARE_NONE;
}

static Value shown_of(const StoreCore *core) {
  return core->shown ? mutation_target_shown(core->shown) : store_root(core->store);
}

/* When nothing is pending any more. */
static void drop_idle(StoreCore *core) {
  if (!core->shown || !mutation_target_is_idle(core->shown)) return;
  mutation_target_free(core->shown);
  core->shown = NULL;
}

static void notify_all(StoreCore *core) {
  Value root = value_retain(shown_of(core));
  drop_idle(core);
  for (Declaration *d = core->res->decls; d; d = d->next_bound)
    if (is_heard(d)) subscriptions_notify(d->vm, store_subscriptions(d), root);
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
  Owner *owner = stores->dirty->res->owner;
  char *text = xasprintf(
      "subscribers change these stores in a loop, and were stopped after %d rounds: %s",
      MAX_ROUNDS, buffer_text(&stores->looping));
  while (stores->dirty) take_dirty(stores);
  log_write(stores->host->log, LOG_ERROR, "store", "%s", text);
  if (owner->current) owner->current->hooks->failed(owner->current, text);
  free(text);
}

static void on_turn_over(Event *event) {
  Stores *stores = CONTAINER_OF(event, Stores, event);
  uint64_t turn = loop_turn(stores->host->loop);
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
    notify_all(core);
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

static bool may_read(const StoreCore *core, const Owner *owner) {
  const StoreOptions *options = core->res->options;
  return owner == core->res->owner || options->share != SHARE_NONE;
}

static Trace **find_trace(Stores *stores, const Vm *vm) {
  Trace **at = &stores->traces;
  while (*at && (*at)->vm != vm) at = &(*at)->next;
  return at;
}

HandlerList *store_traces(Vm *vm) {
  Trace **at = find_trace(resources_of(vm)->stores, vm);
  if (!*at) {
    *at = xcalloc(1, sizeof **at);
    (*at)->vm = vm;
    handlers_init(&(*at)->handlers);
  }
  return &(*at)->handlers;
}

void store_traces_free(Vm *vm) {
  Trace **at = find_trace(resources_of(vm)->stores, vm), *trace = *at;
  if (!trace) return;
  *at = trace->next;
  handlers_free(&trace->handlers, vm->L);
  free(trace);
}

static void fire_traces(StoreCore *core) {
  Host *host = core->res->owner->host;
  Stores *stores = host->resources->stores;
  if (!stores->traces) return;
  size_t count = store_history_count(core->store);
  Traced t = {core, store_history_at(core->store, count - 1)};
  Firing firing = {.source = "store.trace", .push = push_traced, .ctx = &t, .any = true};
  for (Owner *s = host->owners; s; s = s->next) {
    Trace *trace = s->current ? *find_trace(stores, s->current) : NULL;
    if (trace && may_read(core, s)) handlers_fire(s->current, &trace->handlers, &firing);
  }
}

static void notify_soon(StoreCore *core) {
  Stores *stores = core->res->owner->host->resources->stores;
  if (core->dirty) return;
  core->dirty = true;
  core->next_dirty = stores->dirty;
  stores->dirty = core;
  if (stores->queued) return;
  stores->queued = true;
  loop_after_turn(stores->host->loop, &stores->event);
}

/* The store has a new root: traces get the change, the disk and subscribers the root. */
static void on_changed(void *ctx) {
  StoreCore *core = ctx;
  fire_traces(core);
  if (core->persist) persist_changed(core->persist, store_root(core->store));
  notify_soon(core);
}

void stores_notify_skipped(Stores *stores) {
  for (Resource *r = stores->host->resources->first; r; r = r->next)
    if (r->kind == &store_kind && r->object) notify_soon(r->object);
}

/* --- pending changes -------------------------------------------------------------- */

static Value base_of(void *object) {
  const StoreCore *core = object;
  return store_root(core->store);
}

static ValueAccount *account_of(void *object) {
  const StoreCore *core = object;
  return store_account(core->store);
}

static void on_shown_changed(void *object) {
  notify_soon(object);
}

static bool begin_change(void *object) {
  StoreCore *core = object;
  if (core->changing) return false;
  core->changing = true;
  return true;
}

static void end_change(void *object) {
  StoreCore *core = object;
  core->changing = false;
}

static void settle_base(void *object, Value base, Value shown) {
  StoreCore *core = object;
  if (store_settle(core->store, base, shown) && core->persist)
    persist_changed(core->persist, store_root(core->store));
}

static const MutationTargetKind target_kind = {.base = base_of,
                                               .account = account_of,
                                               .changed = on_shown_changed,
                                               .begin = begin_change,
                                               .end = end_change,
                                               .settle = settle_base};

MutationTarget *store_target(Declaration *decl) {
  StoreCore *core = core_of(decl);
  const StoreOptions *options = core->res->options;
  size_t memory = options->limits.memory ? options->limits.memory : STORE_MEMORY;
  if (!core->shown)
    core->shown =
        mutation_target_new(core->res->owner->host->resources->mutations, &target_kind,
                            core, memory, core->res->owner->charge);
  return core->shown;
}

MutationTarget *store_target_now(const Declaration *decl) {
  const StoreCore *core = core_of(decl);
  return core ? core->shown : NULL;
}

Value store_shown(const Declaration *decl) {
  return shown_of(decl->res->object);
}

/* --- the resource ----------------------------------------------------------------- */

static int open_store(Resource *res, Error *err) {
  StoreOptions *options = res->options;
  StoreCore *core = xcalloc(1, sizeof *core);
  core->res = res;
  core->store = store_new(&options->limits, core->res->owner->charge);
  store_watch(core->store, watchdog_is_late);
  store_listen(core->store, on_changed, core);
  core->fresh = true;
  res->object = core;
  if (store_persist_open(core, err) == 0) return 0;
  store_free(core->store);
  free(core);
  res->object = NULL;
  return (int)err->code;
}

static bool same_keys(const StoreOptions *a, const StoreOptions *b) {
  if (a->persist_count != b->persist_count || a->persist_all != b->persist_all)
    return false;
  for (size_t i = 0; i < a->persist_count; i++)
    if (strcmp(a->persist[i], b->persist[i]) != 0) return false;
  return true;
}

/* --- versions --------------------------------------------------------------------- */

static int refuse_fall(const Resource *res, int64_t from, int64_t to, Error *err) {
  return error_set(err, ERR_INVALID,
                   "the store %s has version %lld and cannot go back to %lld: give it a "
                   "version above %lld, with a `migrate` that makes of it what is needed",
                   res->name, (long long)from, (long long)to, (long long)from);
}

/* The state of a store that lives on, for a version that rose. */
static int prepare_rise(const Resource *res, Declaration *decl, Error *err) {
  const StoreOptions *was = res->options, *is = decl->options;
  StoreCore *core = res->object;
  if (is->version == was->version) return 0;
  if (is->version < was->version) return refuse_fall(res, was->version, is->version, err);
  StoreExtra *extra = store_extra(decl);
  int code = store_persist_migrate(decl, core, store_root(core->store), was->version,
                                   is->version, &extra->root, err);
  decl->vm->migrated = extra->migrated = code == 0;
  return code;
}

/* A newly opened one has its options from the declaration, others not yet. */
static int prepare_store(Resource *res, Declaration *decl, Error *err) {
  const Stores *stores = res->owner->host->resources->stores;
  if (!decl->options) return store_persist_take_over(res->object, decl, err);
  if (stores->db && !same_keys(res->options, decl->options) &&
      db_in_trouble(stores->db, err))
    return (int)err->code;
  return prepare_rise(res, decl, err);
}

/* --- closing ---------------------------------------------------------------------- */

static void forget_dirty(StoreCore *core) {
  StoreCore **at = &core->res->owner->host->resources->stores->dirty;
  while (*at && *at != core) at = &(*at)->next_dirty;
  if (*at) *at = core->next_dirty;
}

static void close_store(Resource *res) {
  StoreCore *core = res->object;
  if (core->shown) mutation_target_free(core->shown);
  core->shown = NULL;
  if (core->dirty) forget_dirty(core);
  store_free(core->store); /* first: what is unread need not be read for it */
  core->store = NULL;
  store_persist_close(core);
  free(core);
  res->object = NULL;
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
  free(options->optional);
  free(options);
}

/* --- joining ---------------------------------------------------------------------- */

/* A new generation's options are in force from now on; keys that are new in its initial
 * state come in. Whether it keeps other keys. */
static bool take_options(Declaration *decl) {
  Resource *res = decl->res;
  StoreCore *core = res->object;
  StoreOptions *options = decl->options;
  StoreExtra *extra = decl->extra;
  bool other_keys = !same_keys(res->options, options), changed = false;
  Value gone = store_gone(core->store);
  free_store_options(res->options);
  res->options = options;
  decl->options = NULL;
  store_persist_adjust(
      core, other_keys); /* before the new state: that is of the new generation */
  if (extra && extra->migrated) {
    changed = store_migrate(core->store, extra->root, res->owner->name);
    extra->root = (Value){0};
    extra->migrated = false;
  }
  store_set_initial(core->store, value_retain(options->initial), gone);
  value_release(gone);
  if (changed) on_changed(core);
  else if (core->persist) persist_changed(core->persist, store_root(core->store));
  return other_keys;
}

static void begin_hearing(Declaration *d) {
  const StoreCore *core = core_of(d);
  if (!is_heard(d)) return;
  subscriptions_baseline(d->vm, store_subscriptions(d), shown_of(core));
}

/* Those who subscribed while it loaded begin with what is there now. */
static void join_store(Declaration *decl) {
  StoreCore *core = decl->res->object;
  bool fresh = core->fresh && !decl->attached;
  bool other = !decl->attached && decl->options;
  bool other_keys = other && take_options(decl);
  if (fresh || other) store_persist_settle(core, fresh || other_keys);
  if (fresh) core->fresh = false;
  begin_hearing(decl);
  if (other) /* it may be shared now, with those who have attached before */
    for (Declaration *d = decl->next_bound; d; d = d->next_bound) begin_hearing(d);
}

static bool is_withheld(const Declaration *decl) {
  return store_share(decl) == SHARE_NONE;
}

static void drop_store(Declaration *decl) {
  StoreExtra *extra = decl->extra;
  if (!extra) return;
  subscriptions_free(decl->vm, &extra->subscriptions);
  value_release(extra->root);
  free(extra);
  decl->extra = NULL;
}

const ResourceKind store_kind = {.name = "store",
                                 .open = open_store,
                                 .close = close_store,
                                 .alive = store_alive,
                                 .free_options = free_store_options,
                                 .prepare = prepare_store,
                                 .join = join_store,
                                 .withheld = is_withheld,
                                 .shares = "\"read\" or \"write\"",
                                 .drop = drop_store};

Store *store_of(const Declaration *decl) {
  StoreCore *core = core_of(decl);
  return core ? core->store : NULL;
}

Subscriptions *store_subscriptions(Declaration *decl) {
  return &store_extra(decl)->subscriptions;
}

bool store_begin_change(Declaration *decl) {
  return begin_change(core_of(decl));
}

void store_end_change(Declaration *decl) {
  StoreCore *core = core_of(decl);
  if (core) core->changing = false;
}

/* --- life ------------------------------------------------------------------------- */

Stores *stores_new(Host *host) {
  Stores *stores = xcalloc(1, sizeof *stores);
  stores->host = host;
  stores->event.run = on_turn_over;
  return stores;
}

void stores_save(Stores *stores) {
  for (Resource *r = stores->host->resources->first; r; r = r->next) {
    StoreCore *core = r->kind == &store_kind ? r->object : NULL;
    if (core && core->persist) persist_save(core->persist);
  }
}

void stores_close(Stores *stores, double seconds) {
  if (stores->db) db_close(stores->db, seconds);
  stores->db = NULL;
}

void stores_free(Stores *stores) {
  CHECK(stores->dirty == NULL && stores->traces == NULL);
  buffer_free(&stores->looping);
  free(stores);
}
