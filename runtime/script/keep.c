/* script.keep: see keep.h. */
#include "script/keep.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script/parts.h"
#include "core/hash.h"
#include "script/generation.h"
#include "bridge/pack.h"
#include "bridge/luatext.h"
#include "script/script.h"

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
static int capture_entry(Generation *gen, Keep *keep, bool tell, Error *err) {
  lua_State *L = gen->vm.L;
  KeepEntry entry = {0};
  if (!make_room(keep)) return error_set(err, ERR_MEMORY, "no memory");
  int code = pack_value(L, -2, &entry.key, err);
  if (code == 0) code = pack_value(L, -1, &entry.value, err);
  if (code == 0) {
    keep->entries[keep->count++] = entry;
    return 0;
  }
  if (tell && code != ERR_MEMORY) log_left_out(gen, err);
  buffer_free(&entry.key);
  buffer_free(&entry.value);
  return code == ERR_MEMORY ? code : 0;
}

int keep_capture(Generation *gen, bool tell, Keep *keep, Error *err) {
  int code = 0;
  *keep = (Keep){0};
  if (!gen || gen->keep == LUA_NOREF) return 0;
  lua_State *L = gen->vm.L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, gen->keep);
  int table = lua_gettop(L);
  lua_pushnil(L);
  while (code == 0 && lua_next(L, table)) {
    code = capture_entry(gen, keep, tell, err);
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
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation_of(L)->keep);
  for (size_t i = 0; i < m->after->count; i++) {
    const KeepEntry *now = &m->after->entries[i], *old = find_key(&m->old, now);
    if (!old || !same_value(old, now)) set_entry(L, now, true);
  }
  for (size_t i = 0; i < m->before->count; i++)
    if (!find_key(&m->now, &m->before->entries[i]))
      set_entry(L, &m->before->entries[i], false);
  return 0;
}

/* The text of what Lua says is on top. */
static int no_memory(lua_State *L, Error *err) {
  error_set(err, ERR_MEMORY, "script.keep cannot be carried over: %s",
            lua_tostring(L, -1));
  lua_pop(L, 1);
  return ERR_MEMORY;
}

int keep_merge(Generation *gen, Keep *before, Keep *after, Error *err) {
  lua_State *L = gen->vm.L;
  if (!memory_has((before->count + after->count) * sizeof(KeepEntry)))
    return error_set(err, ERR_MEMORY, "MEMORY: no memory left to carry script.keep over");
  Merge merge = {before, after, index_keys(before), index_keys(after)};
  lua_pushcfunction(L, f_merge);
  lua_pushlightuserdata(L, &merge);
  bool ok = lua_pcall(L, 1, 0, 0) == LUA_OK;
  index_free(&merge.old);
  index_free(&merge.now);
  return ok ? 0 : no_memory(L, err);
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

static void tell_entry(lua_State *L, Error *err) {
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
    if (rc != 0) tell_entry(L, &why);
    if (rc != 0 && err->code == ERR_NONE) *err = why;
    lua_pop(L, 1);
  }
  lua_pop(L, rc == ERR_TOO_LARGE ? 2 : 1);
  buffer_putc(out, 'e');
  return rc != ERR_TOO_LARGE;
}

static int f_unpack(lua_State *L) {
  const char *at = (const char *)lua_touserdata(L, 1) + 1; /* behind the tag */
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation_of(L)->keep);
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
  return lua_pcall(L, 1, 0, 0) == LUA_OK ? 0 : no_memory(L, err);
}
