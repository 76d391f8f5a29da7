/* tidelock.store.core: stores as scripts see them; stdlib/store.lua builds on it. A
 * handle is a box on a declaration. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/draft.h"
#include "bridge/luaerror.h"
#include "bridge/luatext.h"
#include "bridge/luavalue.h"
#include "bridge/view.h"
#include "core/suggest.h"
#include "lua/modules.h"
#include "lua/number.h"
#include "lua/options.h"
#include "lua/store_handle.h"
#include "lua/store_merge.h"
#include "lua/store_pending.h"
#include "resource/declare.h"
#include "vm/vm.h"
#include "vm/watchdog.h"

/* --- defining --------------------------------------------------------------------- */

enum { MOST_INITIAL = 256 << 20 }; /* bytes */

static StoreOptions *new_options(void) {
  StoreOptions *options = xcalloc(1, sizeof *options);
  options->account = value_account_new(MOST_INITIAL);
  options->initial = value_object(options->account);
  return options;
}

static size_t size_field(lua_State *L, int t, const char *key) {
  static const NumberRule rule = {.most = (double)((lua_Integer)1 << 40), .whole = true};
  return (size_t)number_option(L, t, 1, "store.define", key, &rule, 0);
}

static void read_initial(lua_State *L, int t, StoreOptions *o) {
  Error err;
  Value initial;
  if (lua_getfield(L, t, "initial") != LUA_TNIL) {
    if (luavalue_read(L, -1, o->account, &initial, &err) != 0)
      luaL_error(L, "store.define: initial: %s", err.message);
    value_release(o->initial);
    o->initial = initial;
    if (initial.type != VALUE_OBJECT)
      luaL_error(L, "store.define: initial must be a table with string keys");
  }
  lua_pop(L, 1);
}

/* Adds the key on top; raises where it is named twice: its rows would be written twice.
 */
static void add_persist(lua_State *L, StoreOptions *o) {
  const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  char shown[LUATEXT_SHOWN];
  if (!key)
    luaL_error(L, "store.define: persist is a list of top-level keys, or true for all");
  if (!luatext_whole(L, -1))
    luaL_error(L,
               "store.define: persist is a list of top-level keys without zero bytes, "
               "not \"%s\"",
               luatext_show(L, -1, shown));
  for (size_t i = 0; i < o->persist_count; i++)
    if (strcmp(o->persist[i], key) == 0)
      luaL_error(L, "store.define: persist names \"%s\" twice",
                 luatext_show(L, -1, shown));
  o->persist[o->persist_count++] = xstrdup(key);
}

/* Raises for { name = true }: it names no key, and nothing would be kept. */
static void check_list(lua_State *L, lua_Integer count) {
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    bool in = lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 &&
              lua_tointeger(L, -2) <= count;
    if (!in)
      luaL_error(L, "store.define: persist is a list of top-level keys, or true for all");
  }
}

static void read_persist_keys(lua_State *L, StoreOptions *o) {
  lua_Integer count = luaL_len(L, -1);
  check_list(L, count);
  if (count < 0 || count > 1000)
    luaL_error(L, "store.define: persist names 1000 keys at most");
  o->persist = xcalloc((size_t)count + 1, sizeof *o->persist);
  o->optional = xcalloc((size_t)count + 1, sizeof *o->optional);
  for (lua_Integer i = 1; i <= count; i++, lua_pop(L, 1)) {
    lua_geti(L, -1, i);
    add_persist(L, o);
  }
}

static void read_numbers(lua_State *L, int t, StoreOptions *o) {
  static const NumberRule delay = {.most = 3600},
                          version = {.most = NUMBER_WHOLE, .whole = true};
  o->persist_delay = number_option(L, t, 1, "store.define", "persist_delay", &delay, 0);
  o->version = (int64_t)number_option(L, t, 1, "store.define", "version", &version, 1);
}

/* persist = { "messages", ... } or true */
static void read_persist(lua_State *L, int t, StoreOptions *o) {
  int type = lua_getfield(L, t, "persist");
  if (type == LUA_TBOOLEAN) o->persist_all = lua_toboolean(L, -1);
  else if (type == LUA_TTABLE) read_persist_keys(L, o);
  else if (type != LUA_TNIL)
    luaL_error(L, "store.define: persist is a list of top-level keys, or true for all");
  lua_pop(L, 1);
  read_numbers(L, t, o);
}

/* Keys that are json.null in the initial state are not in it, and may be set later. */
static void read_optional(lua_State *L, int t, StoreOptions *o) {
  if (lua_getfield(L, t, "initial") == LUA_TTABLE)
    for (size_t i = 0; i < o->persist_count; i++, lua_pop(L, 1)) {
      lua_pushstring(L, o->persist[i]);
      o->optional[i] = lua_rawget(L, -2) != LUA_TNIL;
    }
  lua_pop(L, 1);
}

static void read_options(lua_State *L, int t, StoreOptions *o) {
  static const char *const shares[] = {"none", "read", "write", NULL};
  static const char *const known[] = {"initial", "share",   "history",
                                      "memory",  "persist", "persist_delay",
                                      "version", "migrate", NULL};
  options_check(L, t, "store.define", known);
  lua_getfield(L, t, "share");
  char shown[LUATEXT_SHOWN];
  luaL_optstring(L, -1, NULL);
  int i = lua_isnil(L, -1) ? 0 : luatext_among(L, -1, shares);
  const char *share = luatext_show(L, -1, shown);
  Suggestion near;
  if (!shares[i])
    luaL_error(L, "store.define: share is \"none\", \"read\" or \"write\", not \"%s\"%s",
               share, suggest_among(&near, share, shares));
  o->share = (Share)i;
  lua_pop(L, 1);
  o->limits.memory = size_field(L, t, "memory");
  if (lua_getfield(L, t, "history") != LUA_TNIL) {
    static const char *const sizes[] = {"count", "bytes", NULL};
    if (!lua_istable(L, -1))
      luaL_error(L, "store.define: history is a table: { count =, bytes = }");
    options_check(L, lua_gettop(L), "store.define: history", sizes);
    o->limits.history = size_field(L, lua_gettop(L), "count");
    o->limits.history_bytes = size_field(L, lua_gettop(L), "bytes");
  }
  lua_pop(L, 1);
  read_persist(L, t, o);
  read_initial(L, t, o);
  read_optional(L, t, o);
}

/* A reference, LUA_NOREF when there is none. */
static int read_migrate(lua_State *L, int t) {
  if (lua_getfield(L, t, "migrate") == LUA_TNIL) return LUA_NOREF;
  luaL_argcheck(L, lua_isfunction(L, -1), t, "migrate is a function");
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

static int f_define(lua_State *L) {
  const char *name = declared_name(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  need_declaring(L, "store.define");
  Box *box = box_new(L, &store_box);
  Holder *holder = holder_push(L, store_kind.free_options);
  StoreOptions *options = holder->object = new_options();
  read_options(L, 2, options);
  int migrate = read_migrate(L, 2); /* last: afterwards nothing may raise */
  Error err;
  Declaration *decl =
      declare_with(L, &store_kind, name, holder_take(holder), &migrate, 1, &err);
  if (!decl) return luaL_error(L, "store.define: %s", err.message);
  box_refer(box, decl, &decl->boxes);
  lua_settop(L, 3);
  return 1;
}

static int f_attach(lua_State *L) {
  const char *target = declared_name(L, 1);
  options_none(L, 2, "store.attach");
  need_declaring(L, "store.attach");
  Box *box = box_new(L, &store_box);
  Declaration *decl = declare_attached(L, &store_kind, target);
  box_refer(box, decl, &decl->boxes);
  return 1;
}

/* --- reading ---------------------------------------------------------------------- */

/* Takes one step of a path; raises where it is no key. */
static Value child_by_argument(lua_State *L, Value at, int index) {
  if (lua_isinteger(L, index)) {
    lua_Integer i = lua_tointeger(L, index);
    return at.type == VALUE_ARRAY && i >= 1 ? value_array_at(at, (size_t)i - 1)
                                            : (Value){0};
  }
  size_t len;
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_argerror(L, index, "the keys of a path are strings or indexes");
  const char *key = lua_tolstring(L, index, &len);
  return at.type == VALUE_OBJECT ? value_object_get(at, key, len) : (Value){0};
}

static int f_get(lua_State *L) {
  Declaration *decl = store_need(L, 1, "store:get", SHARE_READ);
  int n = lua_gettop(L);
  Value at = store_shown(decl);
  for (int i = 2; i <= n; i++) at = child_by_argument(L, at, i);
  view_push(L, at);
  return 1;
}

/* --- changing --------------------------------------------------------------------- */

static const char *script_of(lua_State *L) {
  return vm_of(L)->owner->name;
}

/* Takes root. Raises where the turn is late already: then nothing has changed. */
static void commit_change(lua_State *L, Declaration *decl, Value root,
                          const char *action) {
  if (watchdog_is_late()) value_release(root);
  else store_commit(store_of(decl), root, script_of(L), action);
  watchdog_poll(L);
}

static int f_set(lua_State *L) {
  Declaration *decl = store_need(L, 1, "store:set", SHARE_WRITE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  if (!store_begin_change(decl))
    return luaL_error(L, "store:set inside a change of the same store: use the draft");
  Error err;
  Value root = value_retain(store_root(store_of(decl)));
  int rc = store_merge(L, 2, store_account(store_of(decl)), &root, &err);
  store_end_change(decl);
  if (rc != 0) {
    value_release(root);
    return luaL_error(L, "store:set: %s", err.message);
  }
  commit_change(L, decl, root, "set");
  return 0;
}

/* (fn, store, place of the new root): runs fn with a draft. */
static int f_edit(lua_State *L) {
  Store *store = lua_touserdata(L, 2);
  Value *root = lua_touserdata(L, 3);
  Error err;
  draft_push(L, store_account(store), store_root(store));
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 4);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    draft_end(L, 4, NULL, &err);
    return lua_error(L);
  }
  bool edits = lua_isnil(L, -1) || lua_rawequal(L, -1, 4); /* while the draft lives */
  if (draft_end(L, 4, edits ? root : NULL, &err) != 0)
    return luaL_error(L, "store:change: %s", err.message);
  return edits ? 0 : draft_refuse_result(L, "store:change");
}

/* change([name,] fn): stack afterwards: store, name or nil, fn. */
static void arrange_change(lua_State *L) {
  if (lua_isfunction(L, 2)) {
    lua_settop(L, 2);
    lua_pushnil(L);
    lua_insert(L, 2);
    return;
  }
  luaL_checkstring(L, 2);
  luatext_need_whole(L, 1, 2, "store:change", "the action's name");
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
}

static int f_change(lua_State *L) {
  Declaration *decl = store_need(L, 1, "store:change", SHARE_WRITE);
  arrange_change(L);
  if (!store_begin_change(decl))
    return luaL_error(L, "a change of the store %s inside another one: use its draft",
                      decl->name);
  Store *store = store_of(decl);
  Value root = {0};
  lua_pushcfunction(L, f_edit);
  lua_pushvalue(L, 3);
  lua_pushlightuserdata(L, store);
  lua_pushlightuserdata(L, &root);
  int status = lua_pcall(L, 3, 0, 0); /* a C boundary: the change cannot wait */
  store_end_change(decl);
  if (status != LUA_OK) return lua_error(L);
  commit_change(L, decl, root, lua_tostring(L, 2));
  return 0;
}

static int f_reset(lua_State *L) {
  Declaration *decl = store_need(L, 1, "store:reset", SHARE_WRITE);
  store_reset(store_of(decl), script_of(L));
  watchdog_poll(L);
  return 0;
}

/* --- history ---------------------------------------------------------------------- */

static int f_undo(lua_State *L) {
  Declaration *decl = store_need(L, 1, "store:undo", SHARE_WRITE);
  static const NumberRule rule = {.least = 1, .most = NUMBER_WHOLE, .whole = true};
  const char *words = "how many changes to go back: 1 or more";
  double n = lua_isnoneornil(L, 2) ? 1 : number_argument(L, 2, &rule, words);
  Error err;
  if (store_undo(store_of(decl), (size_t)n, script_of(L), &err) != 0)
    return luaerror_return(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* The changes, oldest first: {time, script, action, paths, state}. */
static int f_history(lua_State *L) {
  Declaration *decl = store_need(L, 1, "store:history", SHARE_READ);
  Store *store = store_of(decl);
  size_t count = store_history_count(store);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_createtable(L, 0, 5);
    store_fill_change(L, store_history_at(store, i));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* --- subscribing ------------------------------------------------------------------ */

/* subscribe([selector,] fn, options): stack afterwards: store, selector or nil, fn,
 * options. */
static void arrange_subscribe(lua_State *L) {
  if (lua_isfunction(L, 2) && !lua_isfunction(L, 3)) {
    lua_settop(L, 3);
    lua_pushnil(L);
    lua_insert(L, 2);
  }
  lua_settop(L, 4);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  if (!lua_isnil(L, 4)) luaL_checktype(L, 4, LUA_TTABLE);
}

/* The declaration to subscribe to. At the top level, and while it is pending, it is not
 * known yet whether it is shared. */
static Declaration *check_heard(lua_State *L, const char *what) {
  Declaration *decl = store_handle(L, 1);
  bool known = vm_of(L)->state != VM_STAGING && store_of(decl);
  return known ? store_need(L, 1, what, SHARE_READ) : decl;
}

static int f_subscribe(lua_State *L) {
  Declaration *decl = check_heard(L, "store:subscribe");
  bool fire = false;
  int equals = 0;
  arrange_subscribe(L);
  if (lua_istable(L, 4)) {
    static const char *const known[] = {"fire_immediately", "equals", NULL};
    options_check(L, 4, "store:subscribe", known);
    lua_getfield(L, 4, "fire_immediately");
    fire = lua_toboolean(L, -1);
    if (lua_getfield(L, 4, "equals") != LUA_TNIL) {
      luaL_checktype(L, -1, LUA_TFUNCTION);
      equals = lua_gettop(L);
    }
  }
  Subscription *s = subscription_new(L, store_subscriptions(decl), decl->name,
                                     lua_isnil(L, 2) ? 0 : 2, 3, equals);
  Vm *vm = vm_of(L);
  subscription_set_immediate(s, fire);
  if (vm->state != VM_STAGING && store_of(decl) && store_share(decl) != SHARE_NONE)
    subscriptions_baseline(vm, store_subscriptions(decl), store_shown(decl));
  return 1;
}

/* --- on disk --------------------------------------------------------------------- */

static int f_load(lua_State *L) {
  return store_load(L, store_need(L, 1, "store:load", SHARE_READ));
}

static int f_flush(lua_State *L) {
  return store_flush(L, store_need(L, 1, "store:flush", SHARE_READ));
}

static int f_unsaved(lua_State *L) {
  lua_pushboolean(L, store_unsaved(store_need(L, 1, "store:unsaved", SHARE_READ)));
  return 1;
}

static int f_on_error(lua_State *L) {
  handler_add(L, &check_heard(L, "store:on_error")->states, 2, (HandlerOptions){0});
  return 1;
}

/* --- the module ------------------------------------------------------------------- */

static int f_trace(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  options_none(L, 2, "store.trace");
  need_declaring(L, "store.trace");
  handler_add(L, store_traces(vm_of(L)), 1, (HandlerOptions){0});
  return 1;
}

static int f_copy(lua_State *L) {
  luaL_checkany(L, 1);
  Value shown = luavalue_shared(L, 1);
  if (shown.type == VALUE_ABSENT) {
    lua_settop(L, 1); /* a scalar or a plain table: it is a copy already */
    return 1;
  }
  view_push_copy(L, shown);
  value_release(shown);
  return 1;
}

static int f_is_view(lua_State *L) {
  lua_pushboolean(L, view_value(L, 1).type != VALUE_ABSENT);
  return 1;
}

static int f_name(lua_State *L) {
  Declaration *decl = store_handle(L, 1);
  lua_pushstring(L, decl->name);
  return 1;
}

int luaopen_tidelock_store_core(lua_State *L) {
  static const luaL_Reg methods[] = {{"get", f_get},
                                     {"set", f_set},
                                     {"change", f_change},
                                     {"subscribe", f_subscribe},
                                     {"reset", f_reset},
                                     {"undo", f_undo},
                                     {"history", f_history},
                                     {"flush", f_flush},
                                     {"load", f_load},
                                     {"unsaved", f_unsaved},
                                     {"on_error", f_on_error},
                                     {"name", f_name},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"define", f_define},   {"attach", f_attach},
                                       {"trace", f_trace},     {"copy", f_copy},
                                       {"is_view", f_is_view}, {NULL, NULL}};
  box_class(L, &store_box, methods, NULL);
  luaL_newlib(L, functions);
  store_pending_open(L);
  return 1;
}
