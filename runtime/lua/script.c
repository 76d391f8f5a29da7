/* tidelock.script: the script's own settings, state and reload. */
#include <lauxlib.h>
#include <string.h>

#include "lua/modules.h"
#include "lua/number.h"
#include "lua/options.h"
#include "resource/resource.h"
#include "script/keep_file.h"
#include "script/notice.h"
#include "script/reload_request.h"
#include "script/runtime.h"
#include "script/script.h"
#include "vm/watchdog.h"

static int set_function(lua_State *L, GenFunction which, const char *what) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  options_none(L, 2, what);
  need_declaring(L, what);
  int *ref = generation_function(generation_of(L), which);
  if (*ref != LUA_NOREF) return luaL_error(L, "%s is set twice", what);
  lua_settop(L, 1);
  *ref = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

static int f_on_start(lua_State *L) {
  return set_function(L, ON_START, "script.on_start");
}

static int f_on_stop(lua_State *L) {
  return set_function(L, ON_STOP, "script.on_stop");
}

static int f_on_notice(lua_State *L) {
  set_function(L, ON_NOTICE, "script.on_notice");
  notice_find_screen(runtime_of(L));
  return 0;
}

/* For how long, once this generation is replaced, its tasks may go on, and what the next
 * one does not declare. */
static int f_grace(lua_State *L) {
  options_none(L, 2, "script.grace");
  static const NumberRule rule = {.least = 0, .most = 3600};
  double seconds = number_argument(L, 1, &rule, "0 to 3600 seconds");
  need_declaring(L, "script.grace");
  generation_set_grace(generation_of(L), seconds);
  return 0;
}

static int f_exit(lua_State *L) {
  options_none(L, 2, "script.exit");
  static const NumberRule rule = {.least = 0, .most = 255, .whole = true};
  double code = lua_isnoneornil(L, 1)
                    ? 0
                    : number_argument(L, 1, &rule, "an exit code is 0 to 255");
  need_loaded(L, "script.exit");
  Script *script = script_of(L);
  if (owner_is_first(vm_of(L)->owner)) runtime_exit(runtime_of(L), (int)code);
  else script_end(script, (int)code);
  return 0;
}

/* {persist = true}: script.keep outlives the process. */
static int f_keep_options(lua_State *L) {
  Vm *vm = vm_of(L);
  Error err;
  static const char *const known[] = {"persist", NULL};
  options_check(L, 1, "script.keep_options", known);
  int type = lua_getfield(L, 1, "persist");
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TBOOLEAN, 1,
                   "persist = true or false");
  if (vm->state != VM_STAGING)
    return luaL_error(L, "script.keep_options belongs to the top level of the script");
  if (lua_getfield(L, 1, "persist") == LUA_TNIL || !lua_toboolean(L, -1)) return 0;
  if (keep_file_open(generation_of(L), &err) == 0) return 0;
  return luaL_error(L, "script.keep_options: %s", err.message);
}

static int f_probation(lua_State *L) {
  options_none(L, 2, "script.probation");
  luaL_checktype(L, 1, LUA_TBOOLEAN);
  if (vm_of(L)->state != VM_STAGING)
    return luaL_error(L, "script.probation belongs to the top level of the script");
  generation_set_probation(generation_of(L), lua_toboolean(L, 1));
  return 0;
}

static int f_version(lua_State *L) {
  Vm *vm = vm_of(L);
  static const NumberRule rule = {.least = 0, .most = NUMBER_WHOLE, .whole = true};
  lua_Integer version =
      (lua_Integer)number_argument(L, 1, &rule, "a version is a whole number, 0 or more");
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
  options_none(L, 3, "script.version");
  if (vm->state != VM_STAGING)
    return luaL_error(L, "script.version belongs to the top level of the script");
  if (vm->reports_turns)
    return luaL_error(L, "script.version belongs before script.keep_options");
  lua_settop(L, 2);
  int migrate = lua_isnil(L, 2) ? LUA_NOREF : luaL_ref(L, LUA_REGISTRYINDEX);
  Generation *gen = generation_of(L);
  if (!generation_set_version(gen, version))
    return luaL_error(L, "script.version is set twice");
  *generation_function(gen, ON_MIGRATE) = migrate;
  return 0;
}

static int f_reload(lua_State *L) {
  options_none(L, 1, "script.reload");
  need_loaded(L, "script.reload");
  need_declaring(L, "script.reload");
  if (!reload_ask_self(script_of(L)))
    return luaL_error(L, "script.reload is not possible in a test: it would begin anew");
  return 0;
}

/* The limit of a script is that of the command line, or less. */
static int f_cpu_limit(lua_State *L) {
  luaL_checktype(L, 1, LUA_TNUMBER);
  double seconds = lua_tonumber(L, 1);
  Vm *vm = vm_of(L);
  double most = vm->host->cpu_limit;
  if (!(seconds >= 0.05 && seconds <= most)) {
    lua_pushfstring(L, "0.05 to %f seconds, which --turn-limit allows", most);
    return luaL_argerror(L, 1, lua_tostring(L, -1));
  }
  vm->cpu_limit = seconds;
  watchdog_relimit(vm);
  return 0;
}

/* The resources of the script that its current generation does not declare, as a list of
 * {kind=, name=}: declare one again (in on_start) and it lives on. */
static int f_orphans(lua_State *L) {
  Vm *vm = vm_of(L);
  lua_newtable(L);
  int n = 0;
  for (Resource *r = vm->host->resources->first; r; r = r->next) {
    if (r->owner != vm->owner || !span_runs(&r->grace)) continue;
    lua_createtable(L, 0, 2);
    lua_pushstring(L, r->kind->name);
    lua_setfield(L, -2, "kind");
    lua_pushstring(L, r->name);
    lua_setfield(L, -2, "name");
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

int luaopen_tidelock_script(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"on_start", f_on_start},         {"on_stop", f_on_stop},
      {"on_notice", f_on_notice},       {"exit", f_exit},
      {"cpu_limit", f_cpu_limit},       {"grace", f_grace},
      {"orphans", f_orphans},           {"reload", f_reload},
      {"probation", f_probation},       {"version", f_version},
      {"keep_options", f_keep_options}, {NULL, NULL}};
  Vm *vm = vm_of(L);
  luaL_newlib(L, functions);
  lua_pushstring(L, vm->owner->name);
  lua_setfield(L, -2, "name");
  lua_pushinteger(L, vm->number);
  lua_setfield(L, -2, "generation");
  lua_newtable(L);
  char *const *args = script_args(script_of(L));
  for (int i = 0; args[i]; i++) {
    lua_pushstring(L, args[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "args");
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation_keep(generation_of(L)));
  lua_setfield(L, -2, "keep");
  return 1;
}
