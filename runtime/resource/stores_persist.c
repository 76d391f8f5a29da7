/* What outlives the process of a store, and the versions of its state: see
 * stores_persist.h.
 *
 * What is found when a store is opened is migrated, or quarantined, in memory first; the
 * disk hears of it when the declaration is in force (store_persist_settle), so that a
 * load that is given up has changed nothing. Errors go to the store's on_error handlers:
 * after the turn, when it was found while loading. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest.h"
#include "vm/call.h"
#include "bridge/draft.h"
#include "bridge/luaerror.h"
#include "resource/stores_persist.h"
#include "vm/watchdog.h"
#include "vm/task_wait.h"

/* --- errors ------------------------------------------------------ */

struct PersistReport {
  Event event;
  StoreCore *core; /* NULL: closed meanwhile */
  Error err;
};

Share store_share(const Declaration *decl) {
  if (!decl->attached) return SHARE_WRITE;
  return decl->res ? ((StoreOptions *)decl->res->options)->share : SHARE_NONE;
}

static int push_error(lua_State *L, void *ctx) {
  const Error *err = ctx;
  if (err->code == ERR_NONE) lua_pushnil(L);
  else luaerror_push(L, err);
  return 1;
}

static void fire_on_error(StoreCore *core, Error err) {
  Firing firing = {
      .source = core->res->name, .push = push_error, .ctx = &err, .any = true};
  for (Declaration *d = core->res->decls; d; d = d->next_bound)
    if (declaration_live(d) && store_share(d) != SHARE_NONE)
      handlers_fire(d->vm, &d->states, &firing);
}

static void on_report(Event *event) {
  PersistReport *report = CONTAINER_OF(event, PersistReport, event);
  StoreCore *core = report->core;
  Error err = report->err;
  free(report);
  if (!core) return;
  core->report = NULL;
  fire_on_error(core, err);
}

/* When this turn is over: on_start may say who is to hear it. */
static void report_later(StoreCore *core, const Error *err) {
  if (core->report) core->report->core = NULL;
  core->report = xcalloc(1, sizeof *core->report);
  *core->report = (PersistReport){.event.run = on_report, .core = core, .err = *err};
  inbox_push(core->res->owner->host->loop, &core->report->event);
}

static void log_error(const StoreCore *core, const Error *err) {
  log_write(core->res->owner->host->log, LOG_ERROR, "store", "%s", err->message);
}

/* The database logs for itself that writing fails. */
static void on_failed(void *ctx, const Error *err) {
  StoreCore *core = ctx;
  if (err && err->code != ERR_IO) log_error(core, err);
  fire_on_error(core, err ? *err : (Error){0});
}

/* --- migrating -------------------------------------------------------------------- */

typedef struct Migration {
  int function, draft; /* references */
  ValueAccount *account;
  Value base, root;
  int64_t from;
  bool under_way;
} Migration;

/* The reference is there before the draft is: whatever raises, the draft can be ended. */
static int f_migrate(lua_State *L) {
  Migration *m = lua_touserdata(L, 1);
  Error err;
  lua_pushboolean(L, 1);
  m->draft = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_rawgeti(L, LUA_REGISTRYINDEX, m->function);
  draft_push(L, m->account, m->base);
  lua_pushvalue(L, -1);
  lua_rawseti(L, LUA_REGISTRYINDEX, m->draft);
  m->under_way = true;
  lua_pushinteger(L, m->from);
  lua_call(L, 2, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, m->draft);
  if (!lua_isnil(L, -2) && !lua_rawequal(L, -2, -1))
    return draft_refuse_result(L, "migrate");
  m->under_way = false;
  return draft_end(L, -1, &m->root, &err) == 0 ? 0 : luaerror_raise(L, &err);
}

static int run_migrate(const Declaration *decl, Migration *m, Error *err) {
  Vm *vm = decl->vm;
  lua_State *L = vm->L;
  Error ignored;
  vm->migrating = true;
  bool ok = vm_call(vm, "migrate", decl->name, f_migrate, m, err);
  vm->migrating = false;
  if (m->under_way && lua_checkstack(L, 4)) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, m->draft);
    draft_end(L, -1, NULL, &ignored);
    lua_pop(L, 1);
  }
  luaL_unref(L, LUA_REGISTRYINDEX, m->draft);
  return ok ? 0 : (int)err->code;
}

int store_persist_migrate(const Declaration *decl, StoreCore *core, Value base,
                          int64_t from, int64_t to, Value *root, Error *err) {
  Migration m = {.function = decl->functions[STORE_MIGRATE],
                 .draft = LUA_NOREF,
                 .account = store_account(core->store),
                 .base = base,
                 .from = from};
  Error why;
  if (m.function == LUA_NOREF)
    return error_set(err, ERR_INVALID,
                     "the store %s has version %lld, and no `migrate` to make %lld of it",
                     decl->name, (long long)from, (long long)to);
  if (run_migrate(decl, &m, &why) != 0) {
    error_set(err, why.code,
              "migrate of the store %s, from version %lld to %lld, failed: %s",
              decl->name, (long long)from, (long long)to, why.message);
    return (int)err->code;
  }
  *root = m.root;
  return 0;
}

/* --- opening ---------------------------------------------------------------------- */

/* The time of that counts for no turn of a script's. */
static void on_reading(void *ctx, bool begins) {
  watchdog_pause(((Host *)ctx)->watchdog, begins);
}

Db *stores_db(Host *host, Error *err) {
  DbOptions options = {.folder = host->resources->data,
                       .unsaved = host->resources->unsaved,
                       .reading = on_reading,
                       .reading_ctx = host};
  if (!host->resources->stores->db)
    host->resources->stores->db = db_open(host->loop, &options, err);
  return host->resources->stores->db;
}

int store_persist_open(StoreCore *core, Error *err) {
  Host *host = core->res->owner->host;
  const StoreOptions *o = core->res->options;
  core->stored = -1;
  core->loaded = (Value){0};
  if ((!o->persist_count && !o->persist_all) || !host->resources->data ||
      host->resources->check_only)
    return 0;
  if (!stores_db(host, err)) return (int)err->code;
  char *name = xasprintf("%s:%s", core->res->owner->name, core->res->name);
  PersistOptions options = {.name = name,
                            .keys = (const char *const *)o->persist,
                            .key_count = o->persist_count,
                            .all = o->persist_all,
                            .delay = o->persist_delay,
                            .version = o->version,
                            .failed = on_failed,
                            .ctx = core};
  core->persist =
      persist_open(host->loop, host->resources->stores->db, &options,
                   store_account(core->store), &core->loaded, &core->stored, err);
  free(name);
  if (!core->persist) return (int)err->code;
  core->quarantined = *err;
  if (err->code == ERR_IO) log_error(core, err); /* the whole file: that has happened */
  return 0;
}

static void drop_loaded(StoreCore *core) {
  value_release(core->loaded);
  core->loaded = (Value){0};
}

static void quarantine_found(StoreCore *core, const Error *why) {
  persist_quarantine(core->persist, why->message, &core->quarantined);
  error_detail(&core->quarantined, "%s", why->message);
  drop_loaded(core);
}

static bool is_older(const StoreCore *core) {
  const StoreOptions *o = core->res->options;
  return core->persist && core->stored >= 0 && core->stored < o->version;
}

/* What is kept on disk stays as it was. */
static int add_way_out(const Declaration *decl, Error *err) {
  Error why = *err;
  return error_set(err, why.code,
                   "%.180s; what is kept is as it was: mend this, or set that aside with "
                   "`tidelock data reset %.24s:%.24s`",
                   why.message, decl->vm->owner->name, decl->name);
}

static int migrate_found(StoreCore *core, const Declaration *decl, Error *err) {
  const StoreOptions *o = core->res->options;
  Value root;
  if (store_persist_migrate(decl, core, core->loaded, core->stored, o->version, &root,
                            err) != 0)
    return add_way_out(decl, err);
  value_release(core->loaded);
  core->loaded = root;
  return 0;
}

static int refuse_newer(const StoreCore *core, Error *err) {
  const StoreOptions *o = core->res->options;
  const char *script = core->res->owner->name, *name = core->res->name;
  return error_set(err, ERR_INVALID,
                   "what is kept of the store %.64s has version %lld, and cannot go back "
                   "to %lld: give it a version above %lld, with a `migrate`, or set it "
                   "aside with `tidelock data reset %.64s:%.64s`",
                   name, (long long)core->stored, (long long)o->version,
                   (long long)core->stored, script, name);
}

/* What is kept comes first; what that lacks is as in the initial state, but for what was
 * taken out of it before. */
int store_persist_take_over(StoreCore *core, Declaration *decl, Error *err) {
  const StoreOptions *o = core->res->options;
  Value gone = core->persist ? persist_gone(core->persist) : (Value){0};
  if (core->persist && core->stored > o->version) return refuse_newer(core, err);
  if (is_older(core) && migrate_found(core, decl, err) != 0) return (int)err->code;
  if (core->loaded.type == VALUE_OBJECT) store_begin(core->store, core->loaded);
  core->loaded = (Value){0};
  store_set_initial(core->store, value_retain(o->initial), gone);
  if (core->persist) persist_set_initial(core->persist, o->initial);
  return 0;
}

/* --- settling --------------------------------------------------------------------- */

/* The nearest key that there is, in ` (did you mean ...)`. */
static void warn_key(const StoreCore *core, const char *key) {
  Suggestion near;
  Value name, item, root = store_root(core->store);
  suggest_begin(&near, key);
  for (size_t i = 0; value_object_at(root, i, &name, &item); i++) {
    size_t len;
    suggest_offer(&near, value_bytes(name, &len));
  }
  log_write(core->res->owner->host->log, LOG_WARN, "store",
            "%s:%s: persist names \"%s\", and the state has no such key%s",
            core->res->owner->name, core->res->name, key, suggest_text(&near));
}

static void warn_of_keys(const StoreCore *core) {
  const StoreOptions *o = core->res->options;
  for (size_t i = 0; i < o->persist_count; i++) {
    const char *key = o->persist[i];
    size_t len = strlen(key);
    if (!o->optional[i] &&
        value_object_get(store_root(core->store), key, len).type == VALUE_ABSENT)
      warn_key(core, key);
  }
}

void store_persist_settle(StoreCore *core, bool other_keys) {
  if (other_keys) warn_of_keys(core);
  bool lost = core->quarantined.code != ERR_NONE;
  if (core->persist && (lost || is_older(core)))
    persist_changed(core->persist, store_root(core->store));
  core->stored = -1;
  if (!lost) return;
  if (core->quarantined.code != ERR_IO) log_error(core, &core->quarantined);
  report_later(core, &core->quarantined);
  core->quarantined = (Error){0};
}

void store_persist_close(StoreCore *core) {
  drop_loaded(core);
  if (core->persist) persist_close(core->persist);
  core->persist = NULL;
  if (core->report) core->report->core = NULL;
}

/* --- other options ---------------------------------------------------------------- */

/* Those that wait go on waiting; what was before them is on disk when it can be read. */
static void hand_flushes(StoreCore *core, PersistFlush *waiting) {
  Error gone;
  error_set(&gone, ERR_CANCELLED, "nothing of the store %s is kept any more",
            core->res->name);
  for (PersistFlush *next; waiting; waiting = next) {
    next = waiting->next;
    if (core->persist) persist_flush(core->persist, waiting);
    else waiting->done(waiting, &gone);
  }
}

/* Other keys are kept. The state in memory is what counts; but what was kept before this
 * store kept anything, by another version, is none of it. */
static void reopen_persist(StoreCore *core) {
  const StoreOptions *o = core->res->options;
  Persist *old = core->persist;
  PersistFlush *waiting = old ? persist_take_flushes(old) : NULL;
  Error err;
  if (old) persist_close(old);
  core->persist = NULL;
  if (store_persist_open(core, &err) != 0) {
    core->quarantined = err;
    log_error(core, &err);
  }
  bool other_version = core->stored >= 0 && core->stored != o->version;
  if (!old && core->persist && other_version && core->quarantined.code == ERR_NONE) {
    error_set(&err, ERR_DECODE, "it has version %lld", (long long)core->stored);
    quarantine_found(core, &err);
  }
  drop_loaded(core);
  hand_flushes(core, waiting);
}

void store_persist_adjust(StoreCore *core, bool other_keys) {
  const StoreOptions *o = core->res->options;
  if (other_keys) reopen_persist(core);
  if (!core->persist) return;
  persist_retune(core->persist, o->version, o->persist_delay);
  persist_set_initial(core->persist, o->initial);
}

/* --- what scripts ask for --------------------------------------------------------- */

bool store_unsaved(const Declaration *decl) {
  const StoreCore *core = decl->res->object;
  return core->persist && persist_unsaved(core->persist);
}

/* Lua's memory, on the stack of the coroutine that waits. */
typedef struct StoreFlush {
  Wait wait;
  PersistFlush flush;
  Task *task;
  StoreCore *core;
  Error err;
} StoreFlush;

static int push_flushed(lua_State *L, void *ctx) {
  const StoreFlush *f = ctx;
  if (f->err.code != ERR_NONE) return luaerror_return(L, &f->err);
  lua_pushboolean(L, 1);
  return 1;
}

static void on_flushed(PersistFlush *flush, const Error *err) {
  StoreFlush *f = CONTAINER_OF(flush, StoreFlush, flush);
  if (err) f->err = *err;
  task_wake_later(f->task, push_flushed, f);
}

static void cancel_flush(Wait *wait) {
  StoreFlush *f = CONTAINER_OF(wait, StoreFlush, wait);
  persist_flush_cancel(f->core->persist, &f->flush);
}

int store_flush(lua_State *L, Declaration *decl) {
  Task *task = task_waiter(L, "store:flush");
  StoreCore *core = decl->res->object;
  if (!core->persist) return lua_pushboolean(L, 1), 1;
  StoreFlush *f = lua_newuserdatauv(L, sizeof *f, 0);
  *f = (StoreFlush){
      .wait.cancel = cancel_flush, .flush.done = on_flushed, .task = task, .core = core};
  persist_flush(core->persist, &f->flush);
  return task_wait(L, task, &f->wait);
}
