/* The version of script.keep: see version.h. */
#include "script/version.h"

#include <lauxlib.h>

#include "script/parts.h"
#include "vm/call.h"
#include "script/keep_file.h"

/* That which runs, or was found on disk; -1: there is none. */
static int64_t version_before(const Script *script) {
  return script_current(script) ? script_current(script)->version
                                : keep_file_found(script->staging);
}

/* The function has its own copy, made for the load: what it leaves half done is dropped
 * with that. */
static int f_migrate(lua_State *L) {
  const int64_t *from = lua_touserdata(L, 1);
  Generation *gen = generation_of(L);
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

int version_prepare(Script *script, Error *err) {
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
