/* See store_pending.h, and resource/mutations.h for what they mean:
 *
 *   mutation(name, fn)              how entries of that name are applied: fn(argument,
 *                                   draft, ...), a draft for each target, nil for one
 * that has no base now. At the top level, or later pend(targets, id, name, argument)
 * targets: a store, or a list of stores. Of an id that is pending the argument is
 * replaced unpend(id) → boolean            false: there was none settle(id [, fn]) → true
 * | nil, err   fn(draft, ...) edits the bases; without it the mutation is applied to them
 *   pending(store) → n, behind      how many entries it shows, and how many of them it
 *                                   does not show yet
 *
 * Ids are the script's own. */
#include "lua/store_pending.h"

#include <lauxlib.h>
#include <string.h>

#include "bridge/luaerror.h"
#include "bridge/luatext.h"
#include "lua/store_handle.h"

enum { MOST_TARGETS = 32 };

static const char *check_name(lua_State *L, int index, const char *what) {
  luaL_checktype(L, index, LUA_TSTRING);
  luatext_need_whole(L, index, index, what, "a name");
  return lua_tostring(L, index);
}

static int f_mutation(lua_State *L) {
  const char *name = check_name(L, 1, "mutation");
  luaL_checktype(L, 2, LUA_TFUNCTION);
  need_declaring(L, "mutation");
  mutation_define(L, name, 2);
  return 0;
}

static size_t add_target(lua_State *L, int index, MutationTarget **targets, size_t n) {
  MutationTarget *target = store_target(store_need(L, index, "pend", SHARE_WRITE));
  for (size_t i = 0; i < n; i++)
    if (targets[i] == target) luaL_error(L, "pend: a store is named twice");
  targets[n] = target;
  return n + 1;
}

/* The stores of argument 1; returns how many. */
static size_t read_targets(lua_State *L, MutationTarget **targets) {
  if (!lua_istable(L, 1)) return add_target(L, 1, targets, 0);
  size_t count = lua_rawlen(L, 1);
  luaL_argcheck(L, count >= 1 && count <= MOST_TARGETS, 1, "1 to 32 stores");
  for (size_t i = 0; i < count; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    add_target(L, lua_gettop(L), targets, i);
  }
  return count;
}

static int f_pend(lua_State *L) {
  MutationTarget *targets[MOST_TARGETS];
  MutationEntry entry = {.targets = targets};
  lua_settop(L, 4);
  luaL_checktype(L, 2, LUA_TSTRING);
  entry.id = lua_tolstring(L, 2, &entry.id_len);
  entry.name = check_name(L, 3, "pend");
  entry.count = read_targets(L, targets);
  mutation_pend(L, &entry, 4);
  return 0;
}

static int f_unpend(lua_State *L) {
  size_t len;
  const char *id = luaL_checklstring(L, 1, &len);
  need_loaded(L, "unpend");
  lua_pushboolean(L, mutation_unpend(L, id, len));
  return 1;
}

static int f_settle(lua_State *L) {
  size_t len;
  const char *id = luaL_checklstring(L, 1, &len);
  Error err;
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
  need_loaded(L, "settle");
  if (mutation_settle(L, id, len, lua_isnoneornil(L, 2) ? 0 : 2, &err) != 0)
    return luaerror_return(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static int f_pending(lua_State *L) {
  MutationTarget *target = store_target_now(store_need(L, 1, "pending", SHARE_READ));
  lua_pushinteger(L, target ? (lua_Integer)mutation_target_count(target) : 0);
  lua_pushinteger(L, target ? (lua_Integer)mutation_target_behind(target) : 0);
  return 2;
}

void store_pending_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"mutation", f_mutation}, {"pend", f_pend},
                                       {"unpend", f_unpend},     {"settle", f_settle},
                                       {"pending", f_pending},   {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
