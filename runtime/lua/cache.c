/* tidelock.cache: caches as scripts see them. A handle is a box on a declaration. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "bridge/box.h"
#include "bridge/luakey.h"
#include "bridge/luatext.h"
#include "bridge/luavalue.h"
#include "bridge/view.h"
#include "core/value_key.h"
#include "lua/modules.h"
#include "lua/number.h"
#include "lua/options.h"
#include "resource/caches.h"
#include "resource/declare.h"
#include "vm/watchdog.h"

static const BoxKind cache_box = {"cache", NULL};

/* The declaration of the handle at 1, whose cache is *cache; raises where it is closed.
 */
static Declaration *check_cache(lua_State *L, const char *what, Cache **cache) {
  Declaration *decl = box_check(L, 1, &cache_box);
  need_loaded(L, what);
  *cache = cache_of(decl);
  if (!*cache) luaL_error(L, "%s: the cache %s is not there", what, decl->name);
  return decl;
}

/* --- opening ---------------------------------------------------------------------- */

static const NumberRule ttl_rule = {
    .least = 0, .most = NUMBER_SECONDS, .above = true, .huge = true};

static size_t size_option(lua_State *L, const char *key, double standard) {
  static const NumberRule rule = {
      .least = 1, .most = (double)((lua_Integer)1 << 40), .whole = true, .huge = true};
  double size = number_option(L, 2, 1, "cache.open", key, &rule, standard);
  return isinf(size) ? SIZE_MAX : (size_t)size;
}

static bool flag_option(lua_State *L, const char *key) {
  int type = lua_getfield(L, 2, key);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    options_raise(L, 1, "cache.open: %s is true or false, not a %s", key,
                  luaL_typename(L, -1));
  bool set = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return set;
}

static void read_options(lua_State *L, CacheOptions *o) {
  static const char *const known[] = {"max_entries", "max_bytes", "ttl",
                                      "keep_stale",  "persist",   NULL};
  static const NumberRule keep = {.most = NUMBER_SECONDS};
  if (!options_given(L, 2, "cache.open", known)) {
    lua_settop(L, 1);
    lua_newtable(L);
  }
  o->limits.entries = size_option(L, "max_entries", 100);
  o->limits.bytes = size_option(L, "max_bytes", INFINITY);
  o->limits.ttl = number_option(L, 2, 1, "cache.open", "ttl", &ttl_rule, 300);
  o->limits.keep = number_option(L, 2, 1, "cache.open", "keep_stale", &keep, 0);
  o->persist = flag_option(L, "persist");
}

/* The script's own of that name, declared before; NULL: none, or it is over. */
static Declaration *find_open(Vm *vm, const char *name) {
  Declaration *decl = declaration_of(vm, &cache_kind, name);
  return decl && (vm->state == VM_STAGING || decl->res) ? decl : NULL;
}

/* Opening it again is right with the same options only. */
static void check_same(lua_State *L, const Declaration *decl, const CacheOptions *o) {
  Buffer names = {0};
  char differ[80];
  cache_options_differ(decl->res ? decl->res->options : decl->options, o, &names);
  snprintf(differ, sizeof differ, "%s", names.len ? buffer_text(&names) : "");
  buffer_free(&names);
  if (*differ)
    luaL_error(L, "cache.open: the cache \"%s\" is open with other options: %s",
               decl->name, differ);
}

static Declaration *open_new(lua_State *L, const char *name, const CacheOptions *o) {
  Error err;
  CacheOptions *options = xcalloc(1, sizeof *options);
  *options = *o;
  Declaration *decl = declare(L, &cache_kind, name, options, &err);
  if (!decl) luaL_error(L, "cache.open: %s", err.message);
  return decl;
}

static int f_open(lua_State *L) {
  const char *name = declared_name(L, 1);
  CacheOptions options;
  read_options(L, &options);
  need_declaring(L, "cache.open");
  Box *box = box_new(L, &cache_box);
  Declaration *decl = find_open(vm_of(L), name);
  if (decl) check_same(L, decl, &options);
  else decl = open_new(L, name, &options);
  box_refer(box, decl, &decl->boxes);
  return 1;
}

/* --- keys ------------------------------------------------------------------------- */

static CacheKey check_key(lua_State *L, const char *what, LuaKey *room) {
  Error err;
  luaL_checkany(L, 2);
  if (luakey_read(L, 2, room, &err) != 0) luaL_error(L, "%s: key: %s", what, err.message);
  return (CacheKey){room->bytes, room->len};
}

/* --- putting in ------------------------------------------------------------------- */

enum { MOST_TAGS = 1000 };

/* Each is borrowed from the list at the top. */
static void read_tag(lua_State *L, lua_Integer i, TagName *name) {
  if (lua_rawgeti(L, -1, i) != LUA_TSTRING)
    luaL_error(L, "cache:set: tags is a list of strings; item %I is a %s", i,
               luaL_typename(L, -1));
  name->bytes = lua_tolstring(L, -1, &name->len);
  if (name->len > KEY_MOST)
    luaL_error(L, "cache:set: a tag of more than %d bytes", KEY_MOST);
  lua_pop(L, 1);
}

/* Raises for { user = true }: it names no tag. */
static void check_tag_list(lua_State *L, size_t count) {
  if (count > MOST_TAGS) luaL_error(L, "cache:set: more than %d tags", MOST_TAGS);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 ||
        lua_tointeger(L, -2) > (lua_Integer)count)
      luaL_error(L, "cache:set: tags is a list of strings");
}

/* The list stays on the stack, and below it what is returned. */
static const TagName *read_tags(lua_State *L, size_t *count) {
  *count = 0;
  if (lua_getfield(L, 4, "tags") == LUA_TNIL) return NULL;
  if (!lua_istable(L, -1))
    luaL_error(L, "cache:set: tags is a list of strings, not a %s", luaL_typename(L, -1));
  size_t n = lua_rawlen(L, -1);
  check_tag_list(L, n);
  TagName *names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
  lua_insert(L, -2);
  for (size_t i = 0; i < n; i++) read_tag(L, (lua_Integer)i + 1, &names[i]);
  *count = n;
  return names;
}

static void read_details(lua_State *L, const Cache *cache, CacheItem *item) {
  static const char *const known[] = {"ttl", "tags", NULL};
  item->ttl = cache_limits(cache)->ttl;
  if (!options_given(L, 4, "cache:set", known)) return;
  item->ttl = number_option(L, 4, 1, "cache:set", "ttl", &ttl_rule, item->ttl);
  item->tags = read_tags(L, &item->tag_count);
}

/* Where memory is short, what was used longest ago makes room. */
static void read_value(lua_State *L, Cache *cache, CacheItem *item) {
  Error err;
  size_t before;
  int code;
  do {
    before = value_account_used(cache_account(cache));
    code = luavalue_read(L, 3, cache_account(cache), &item->value, &err);
  } while (code == ERR_MEMORY && cache_shrink(cache));
  if (code == ERR_TIMEOUT) watchdog_poll(L);
  if (code == ERR_MEMORY) error_set(&err, ERR_MEMORY, "the script holds too much");
  if (code != 0) luaL_error(L, "cache:set: value: %s", err.message);
  size_t after = value_account_used(cache_account(cache));
  item->bytes = after > before ? after - before : 0;
}

static int f_set(lua_State *L) {
  Cache *cache;
  Declaration *decl = check_cache(L, "cache:set", &cache);
  LuaKey room;
  CacheItem item = {.tags = NULL};
  lua_settop(L, 4);
  if (lua_isnil(L, 3))
    luaL_error(L, "cache:set: nil cannot be kept: json.null can, and cache:delete "
                  "removes an entry");
  read_details(L, cache, &item);
  CacheKey key = check_key(L, "cache:set", &room);
  read_value(L, cache, &item);
  int code = cache_set(cache, key, &item, cache_now(decl), watchdog_is_late);
  if (code == ERR_TIMEOUT) watchdog_poll(L);
  if (code == ERR_MEMORY) luaL_error(L, "cache:set: the script holds too much");
  cache_purge_later(decl);
  lua_pushboolean(L, code == 0);
  return 1;
}

/* --- looking up ------------------------------------------------------------------- */

static int f_get(lua_State *L) {
  Cache *cache;
  LuaKey room;
  const Declaration *decl = check_cache(L, "cache:get", &cache);
  CacheKey key = check_key(L, "cache:get", &room);
  view_push(L, cache_get(cache, key, cache_now(decl)));
  return 1;
}

static int f_peek(lua_State *L) {
  Cache *cache;
  LuaKey room;
  CacheLook look;
  Value value;
  const Declaration *decl = check_cache(L, "cache:peek", &cache);
  CacheKey key = check_key(L, "cache:peek", &room);
  double now = cache_now(decl);
  if (!cache_peek(cache, key, now, &look, &value)) return 0;
  view_push(L, value);
  lua_pushnumber(L, now - look.made);
  lua_pushboolean(L, look.fresh);
  return 3;
}

static int f_delete(lua_State *L) {
  Cache *cache;
  LuaKey room;
  const Declaration *decl = check_cache(L, "cache:delete", &cache);
  CacheKey key = check_key(L, "cache:delete", &room);
  lua_pushboolean(L, cache_delete(cache, key, cache_now(decl)));
  return 1;
}

static int f_clear(lua_State *L) {
  Cache *cache;
  check_cache(L, "cache:clear", &cache);
  options_none(L, 2, "cache:clear");
  cache_clear(cache);
  return 0;
}

/* --- invalidating ----------------------------------------------------------------- */

static int push_count(lua_State *L, size_t count) {
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}

static int f_invalidate(lua_State *L) {
  Cache *cache;
  LuaKey room;
  const Declaration *decl = check_cache(L, "cache:invalidate", &cache);
  CacheKey key = check_key(L, "cache:invalidate", &room);
  if (key.bytes[0] != KEY_LIST)
    luaL_error(L, "cache:invalidate takes a list: what the keys begin with");
  return push_count(L, cache_invalidate_prefix(cache, key, cache_now(decl)));
}

static int f_invalidate_tag(lua_State *L) {
  Cache *cache;
  TagName tag;
  const Declaration *decl = check_cache(L, "cache:invalidate_tag", &cache);
  luaL_checktype(L, 2, LUA_TSTRING);
  tag.bytes = lua_tolstring(L, 2, &tag.len);
  return push_count(L, cache_invalidate_tag(cache, tag, cache_now(decl)));
}

static int f_invalidate_pattern(lua_State *L) {
  Cache *cache;
  size_t len;
  const Declaration *decl = check_cache(L, "cache:invalidate_pattern", &cache);
  luaL_checktype(L, 2, LUA_TSTRING);
  const char *pattern = lua_tolstring(L, 2, &len);
  return push_count(L, cache_invalidate_pattern(cache, pattern, len, cache_now(decl)));
}

/* --- what there is ---------------------------------------------------------------- */

static void set_count(lua_State *L, const char *name, uint64_t count) {
  if (count == SIZE_MAX) lua_pushnumber(L, INFINITY);
  else lua_pushinteger(L, (lua_Integer)count);
  lua_setfield(L, -2, name);
}

static int f_stats(lua_State *L) {
  Cache *cache;
  const Declaration *decl = check_cache(L, "cache:stats", &cache);
  options_none(L, 2, "cache:stats");
  CacheStats stats = cache_stats(cache, cache_now(decl));
  lua_createtable(L, 0, 6);
  set_count(L, "size", stats.size);
  set_count(L, "max_entries", cache_limits(cache)->entries);
  set_count(L, "hits", stats.hits);
  set_count(L, "misses", stats.misses);
  set_count(L, "evictions", stats.evictions);
  set_count(L, "bytes", stats.bytes);
  return 1;
}

typedef struct Listing {
  lua_State *L;
  ValueAccount *account;
  double now;
  lua_Integer count;
} Listing;

/* The list is on top. May raise: nothing of the walk is to be undone. */
static void push_entry(void *ctx, const CacheLook *look, Value value) {
  (void)value;
  enum { STRIDE = 1024 };
  Listing *l = ctx;
  lua_State *L = l->L;
  if (l->count % STRIDE == 0) watchdog_poll(L);
  lua_createtable(L, 0, 3);
  luakey_push(L, l->account, look->key.bytes, look->key.len);
  lua_setfield(L, -2, "key");
  lua_pushnumber(L, l->now - look->made);
  lua_setfield(L, -2, "age");
  lua_pushnumber(L, look->ttl);
  lua_setfield(L, -2, "ttl");
  if (!look->fresh) lua_pushboolean(L, 1), lua_setfield(L, -2, "stale");
  lua_rawseti(L, -2, ++l->count);
}

static int f_entries(lua_State *L) {
  Cache *cache;
  const Declaration *decl = check_cache(L, "cache:entries", &cache);
  options_none(L, 2, "cache:entries");
  Listing l = {L, cache_account(cache), cache_now(decl), 0};
  cache_purge(cache, l.now);
  lua_newtable(L);
  cache_each(cache, l.now, push_entry, &l);
  return 1;
}

static int f_name(lua_State *L) {
  const Declaration *decl = box_check(L, 1, &cache_box);
  lua_pushstring(L, decl->name);
  return 1;
}

int luaopen_tidelock_cache(lua_State *L) {
  static const luaL_Reg methods[] = {{"get", f_get},
                                     {"set", f_set},
                                     {"peek", f_peek},
                                     {"delete", f_delete},
                                     {"clear", f_clear},
                                     {"invalidate", f_invalidate},
                                     {"invalidate_tag", f_invalidate_tag},
                                     {"invalidate_pattern", f_invalidate_pattern},
                                     {"stats", f_stats},
                                     {"entries", f_entries},
                                     {"name", f_name},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", f_open}, {NULL, NULL}};
  box_class(L, &cache_box, methods, NULL);
  luaL_newlib(L, functions);
  return 1;
}
