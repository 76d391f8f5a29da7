/* script.keep: see keep.h. */
#include "script/keep.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/luatext.h"
#include "bridge/pack.h"
#include "core/hash.h"
#include "script/parts.h"
#include "vm/call.h"

void keep_free(Keep *keep) {
  for (size_t i = 0; i < keep->count; i++) {
    buffer_free(&keep->entries[i].key);
    buffer_free(&keep->entries[i].value);
  }
  free(keep->entries);
  *keep = (Keep){0};
}

/* Of the entry whose key lies at -2. */
static void log_left_out(Generation *gen, const Error *why) {
  lua_State *L = gen->vm.L;
  char shown[LUATEXT_SHOWN];
  const char *key = luatext_show(L, -2, shown);
  bool is_path = why->message[0] == '.' || why->message[0] == '[';
  log_write(gen->rt->host.log, LOG_WARN, gen->script->owner.name, "script.keep.%s%s%s",
            key, is_path ? "" : ": ", why->message);
}

/* False: there is no memory for one more. */
static bool make_room(Keep *keep) {
  if (memory_is_short()) return false;
  if (keep->count < keep->room) return true;
  size_t room = keep->room ? 2 * keep->room : 16;
  if (!memory_has(room * sizeof *keep->entries)) return false;
  keep->entries = xrealloc(keep->entries, room * sizeof *keep->entries);
  keep->room = room;
  return true;
}

/* The key lies at -2, the value on top. */
static int capture_entry(Generation *gen, Keep *keep, bool logs, Error *err) {
  lua_State *L = gen->vm.L;
  KeepEntry entry = {0};
  if (!make_room(keep)) return error_set(err, ERR_MEMORY, "no memory");
  int code = pack_value(L, -2, &entry.key, err);
  if (code == 0) code = pack_value(L, -1, &entry.value, err);
  if (code == 0) {
    keep->entries[keep->count++] = entry;
    return 0;
  }
  if (logs && code != ERR_MEMORY) log_left_out(gen, err);
  buffer_free(&entry.key);
  buffer_free(&entry.value);
  return code == ERR_MEMORY ? code : 0;
}

/* *keep becomes new. What cannot be carried over is left out, and logged with its path if
 * `logs`. 0, or ERR_MEMORY: then *keep is empty. */
static int capture_keep(Generation *gen, bool logs, Keep *keep, Error *err) {
  int code = 0;
  *keep = (Keep){0};
  if (!gen || gen->keep == LUA_NOREF) return 0;
  lua_State *L = gen->vm.L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, gen->keep);
  int table = lua_gettop(L);
  lua_pushnil(L);
  while (code == 0 && lua_next(L, table)) {
    code = capture_entry(gen, keep, logs, err);
    lua_settop(L, table + 1);
  }
  lua_settop(L, table - 1);
  if (code == 0) return 0;
  keep_free(keep);
  return error_set(err, ERR_MEMORY, "MEMORY: no memory left to carry script.keep over");
}

static uint64_t hash_key(const KeepEntry *entry) {
  return hash_bytes(HASH_START, entry->key.data, entry->key.len);
}

static Index index_keys(Keep *keep) {
  Index index = {0};
  for (size_t i = 0; i < keep->count; i++)
    index_add(&index, &keep->entries[i].node, hash_key(&keep->entries[i]));
  return index;
}

static const KeepEntry *find_key(const Index *keys, const KeepEntry *entry) {
  IndexNode *node = index_first(keys, hash_key(entry));
  for (; node; node = index_next(node)) {
    const KeepEntry *found = CONTAINER_OF(node, KeepEntry, node);
    if (found->key.len == entry->key.len &&
        memcmp(found->key.data, entry->key.data, entry->key.len) == 0)
      return found;
  }
  return NULL;
}

static void set_entry(lua_State *L, const KeepEntry *entry, bool present) {
  const char *at = entry->key.data;
  unpack_value(L, &at);
  at = entry->value.data;
  if (present) unpack_value(L, &at);
  else lua_pushnil(L);
  lua_rawset(L, -3);
}

static bool same_value(const KeepEntry *a, const KeepEntry *b) {
  return a->value.len == b->value.len &&
         memcmp(a->value.data, b->value.data, a->value.len) == 0;
}

typedef struct Merge {
  const Keep *before, *after;
  Index old, now; /* their keys */
} Merge;

static int f_merge(lua_State *L) {
  const Merge *m = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation_of_vm(vm_of(L))->keep);
  for (size_t i = 0; i < m->after->count; i++) {
    const KeepEntry *now = &m->after->entries[i], *old = find_key(&m->old, now);
    if (!old || !same_value(old, now)) set_entry(L, now, true);
  }
  for (size_t i = 0; i < m->before->count; i++)
    if (!find_key(&m->now, &m->before->entries[i]))
      set_entry(L, &m->before->entries[i], false);
  return 0;
}

/* The text of the error of Lua is on top. */
static int fail_memory(lua_State *L, Error *err) {
  error_set(err, ERR_MEMORY, "script.keep cannot be carried over: %s",
            lua_tostring(L, -1));
  lua_pop(L, 1);
  return ERR_MEMORY;
}

/* Writes into the keep table of gen the differences between the two snapshots: what the
 * old generation changed while the new one was loading wins over what the new one wrote.
 * 0, or ERR_MEMORY. */
static int merge_keep(Generation *gen, Keep *before, Keep *after, Error *err) {
  lua_State *L = gen->vm.L;
  if (!memory_has((before->count + after->count) * sizeof(KeepEntry)))
    return error_set(err, ERR_MEMORY, "MEMORY: no memory left to carry script.keep over");
  Merge merge = {before, after, index_keys(before), index_keys(after)};
  lua_pushcfunction(L, f_merge);
  lua_pushlightuserdata(L, &merge);
  bool ok = lua_pcall(L, 1, 0, 0) == LUA_OK;
  index_free(&merge.old);
  index_free(&merge.now);
  return ok ? 0 : fail_memory(L, err);
}

/* --- its version ------------------------------------------------------------------- */

/* Of the keep that runs, or was found on disk; -1: there is none. */
static int64_t version_before(const Script *script) {
  return script_current(script) ? script_current(script)->version
                                : script->staging->version_on_disk;
}

/* The function has its own copy, made for the load: what it leaves half done is dropped
 * with that. */
static int f_migrate(lua_State *L) {
  const int64_t *from = lua_touserdata(L, 1);
  Generation *gen = generation_of_vm(vm_of(L));
  lua_rawgeti(L, LUA_REGISTRYINDEX, gen->functions[ON_MIGRATE]);
  lua_rawgeti(L, LUA_REGISTRYINDEX, gen->keep);
  lua_pushinteger(L, *from);
  lua_call(L, 2, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, gen->keep);
  if (!lua_isnil(L, -2) && !lua_rawequal(L, -2, -1))
    return luaL_error(L, "migrate returned a value, which would be lost: it edits the "
                         "table that it gets, and returns nothing");
  return 0;
}

static int run_migrate(Generation *gen, int64_t from, Error *err) {
  Error why;
  gen->vm.migrating = true;
  bool ok = vm_call(&gen->vm, "script.version's migrate", NULL, f_migrate, &from, &why);
  gen->vm.migrating = false;
  gen->vm.migrated = ok;
  if (ok) return 0;
  return error_set(err, why.code,
                   "the migrate of script.version, from %lld to %lld, failed: %s",
                   (long long)from, (long long)gen->version, why.message);
}

/* A version that rose is migrated here and nowhere else, so that the load can still be
 * given up. INVALID (it fell, or there is no function to migrate with), or what migrate
 * raised. */
static int migrate_keep(Script *script, Error *err) {
  Generation *gen = script->staging;
  int64_t from = version_before(script);
  if (from < 0 || from == gen->version) return 0;
  if (gen->version < from)
    return error_set(
        err, ERR_INVALID,
        "script.keep has version %lld and cannot go back to %lld: give it a "
        "version above %lld, with a function that makes of it what is needed",
        (long long)from, (long long)gen->version, (long long)from);
  if (gen->functions[ON_MIGRATE] == LUA_NOREF)
    return error_set(
        err, ERR_INVALID,
        "script.keep has version %lld: script.version(%lld, migrate) needs a "
        "function that makes %lld of it",
        (long long)from, (long long)gen->version, (long long)gen->version);
  return run_migrate(gen, from, err);
}

/* --- from one generation to the next ------------------------------------------------ */

static int f_make_keep(lua_State *L) {
  lua_newtable(L);
  lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
  return 1;
}

int keep_begin(Generation *gen, Error *err) {
  lua_State *L = gen->vm.L;
  Script *script = gen->script;
  lua_pushcfunction(L, f_make_keep);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK) return error_set(err, ERR_MEMORY, "no memory");
  gen->keep = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  Keep none = {0};
  int code = capture_keep(script_current(script), false, &script->keep_before, err);
  return code ? code : merge_keep(gen, &none, &script->keep_before, err);
}

int keep_carry_over(Script *script, Error *err) {
  Keep after = {0};
  int code = 0;
  if (script_current(script))
    code = capture_keep(script_current(script), true, &after, err);
  if (code == 0 && script_current(script))
    code = merge_keep(script->staging, &script->keep_before, &after, err);
  keep_free(&after);
  return code ? code : migrate_keep(script, err);
}

/* --- as one ----------------------------------------------------------------------- */

/* The key lies at -2, the value on top. */
static int pack_entry(lua_State *L, Buffer *out, size_t limit, Error *err) {
  if (!pack_is_key(L, -2))
    return error_set(err, ERR_INVALID, ": a table as a key cannot be carried over");
  size_t start = out->len;
  int rc = pack_bounded(L, -2, out, limit, err);
  if (rc == 0) rc = pack_bounded(L, -1, out, limit, err);
  if (rc != 0) out->len = start;
  return rc;
}

static void name_entry(lua_State *L, Error *err) {
  Error why = *err;
  char shown[LUATEXT_SHOWN];
  const char *key = luatext_show(L, -2, shown);
  error_set(err, why.code, "script.keep.%.60s%s%.300s", key,
            strchr(".[:", why.message[0]) ? "" : ": ", why.message);
}

bool keep_pack(Generation *gen, Buffer *out, size_t limit, Error *err) {
  lua_State *L = gen->vm.L;
  *err = (Error){0};
  buffer_putc(out, 't');
  lua_rawgeti(L, LUA_REGISTRYINDEX, gen->keep);
  lua_pushnil(L);
  int rc = 0;
  while (rc != ERR_TOO_LARGE && lua_next(L, -2)) {
    Error why;
    rc = pack_entry(L, out, limit, &why);
    if (rc != 0) name_entry(L, &why);
    if (rc != 0 && err->code == ERR_NONE) *err = why;
    lua_pop(L, 1);
  }
  lua_pop(L, rc == ERR_TOO_LARGE ? 2 : 1);
  buffer_putc(out, 'e');
  return rc != ERR_TOO_LARGE;
}

static int f_unpack(lua_State *L) {
  const char *at = (const char *)lua_touserdata(L, 1) + 1; /* behind the tag */
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation_of_vm(vm_of(L))->keep);
  while (*at != 'e') {
    unpack_value(L, &at);
    unpack_value(L, &at);
    lua_rawset(L, -3);
  }
  return 0;
}

int keep_unpack(Generation *gen, const char *bytes, Error *err) {
  lua_State *L = gen->vm.L;
  lua_pushcfunction(L, f_unpack);
  lua_pushlightuserdata(L, (void *)bytes);
  return lua_pcall(L, 1, 0, 0) == LUA_OK ? 0 : fail_memory(L, err);
}
