/* The lua_State of a generation. What a script finds here differs from stock Lua where
 * stock Lua would let it harm its host: no bytecode, no C modules, no finalisers of its
 * own, no `debug` but traceback, no files through io and os; xpcall's handler runs after
 * unwinding, where the CPU limit can stop it. */
#include "vm/state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/luaerror.h"
#include "bridge/luatext.h"
#include "bridge/strict.h"
#include "core/suggest.h"
#include "vm/bounded.h"
#include "vm/bounded_text.h"
#include "vm/coroutine.h"
#include "vm/cstack.h"
#include "vm/print.h"
#include "vm/pure.h"
#include "vm/reach.h"
#include "vm/stdlib.h"
#include "vm/task_error.h"
#include "vm/task_parts.h"
#include "vm/watchdog.h"

/* Notes the line that asks for too much: an error of memory has no traceback. Reads the
 * frames only, so it may be called inside the allocator. */
static void note_place(Vm *vm) {
  lua_State *L = vm->host->current ? vm->host->current->co : NULL;
  lua_Debug frame;
  if (!L || vm_of(L) != vm) return;
  for (int level = 0; lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline <= 0) continue;
    snprintf(vm->memory_place, sizeof vm->memory_place, "%s:%d", frame.short_src,
             frame.currentline);
    return;
  }
}

/* Bytes outside of the state that count as the script's: printed text that nobody has
 * read, and what the core holds for it. A load is not charged for them. */
static size_t charged_bytes(const Vm *vm) {
  if (vm->state == VM_STAGING) return 0;
  return output_queued(&vm->owner->unread) + charge_used(vm->owner->charge);
}

/* A call that grows without end (the arguments of a chain of __call, say) is stopped
 * where it asks for more memory in a late turn; watchdog_explain makes the error say so.
 */
static bool is_too_late(size_t old_size, size_t size) {
  enum { LARGE = 64 << 10 };
  return size >= LARGE && size > old_size && watchdog_is_late();
}

/* A finaliser whose stack cannot grow is never run, and its object leaks: so no memory is
 * refused while one runs. All finalisers are the core's own. */
static bool is_finalising(const Vm *vm) {
  return vm->L && lua_gc(vm->L, LUA_GCISRUNNING) < 0;
}

/* Before Lua asks a second time for the same it has collected everything, which takes
 * half a second where much lives. A turn that was refused so once goes on: it may free
 * something. The second time it is over. */
static void note_vain(Vm *vm) {
  Watchdog *w = vm->host->watchdog;
  if (!w || vm->memory < vm->memory_limit / 2) return;
  if (vm->vain.turn == watchdog_turn(w)) watchdog_starve(w);
  vm->vain.turn = watchdog_turn(w);
}

/* Where even a little is refused, after a collection too, the state is full. */
static void note_refusal(Vm *vm, size_t more) {
  enum { LITTLE = 4096 };
  if (more <= LITTLE) vm->refused_at = vm->memory + charged_bytes(vm);
  bool again = vm->vain.asked == more;
  vm->vain.asked = again ? 0 : more;
  if (again) note_vain(vm);
  vm->refused = true;
}

bool state_is_full(const Vm *vm) {
  enum { SLACK = 64 << 10 };
  return vm->refused_at && vm->memory + charged_bytes(vm) + SLACK >= vm->refused_at;
}

static void *allocate_bounded(void *ud, void *old, size_t old_size, size_t size) {
  Vm *vm = ud;
  if (!old) old_size = 0; /* then Lua passes the type of the object */
  bool too_much = size > old_size &&
                  vm->memory + charged_bytes(vm) + (size - old_size) > vm->memory_limit;
  if ((too_much || is_too_late(old_size, size)) && !is_finalising(vm)) {
    if (too_much) note_refusal(vm, size - old_size);
    note_place(vm);
    return NULL;
  }
  if (!old && size == 0) return NULL;
  if (size > old_size) vm->vain.asked = 0;
  void *p = blocks_resize(&vm->blocks, old, old_size, size);
  if (p || size == 0) vm->memory += size - old_size;
  return p;
}

/* --- base ------------------------------------------------------------------------- */

static const char *read_chunk(lua_State *L, void *ctx, size_t *size) {
  (void)ctx;
  luaL_checkstack(L, 2, "too many nested functions");
  lua_pushvalue(L, 1);
  lua_call(L, 0, 1);
  if (!lua_isnil(L, -1) && !lua_isstring(L, -1))
    luaL_error(L, "reader function must return a string");
  const char *piece = lua_tolstring(L, -1, size);
  lua_replace(L, 5); /* keeps it alive; above it lies what the parser pushed */
  return piece;
}

/* load(chunk, name, mode, env), text only. */
static int f_load(lua_State *L) {
  size_t len;
  const char *text = lua_tolstring(L, 1, &len);
  const char *name = luaL_optstring(L, 2, text ? text : "=(load)");
  bool env = !lua_isnone(L, 4);
  int status;
  if (text) {
    status = lua_load(L, bounded_read, &(BoundedText){text, len}, name, "t");
  } else {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 5);
    status = lua_load(L, read_chunk, NULL, name, "t");
  }
  if (status != LUA_OK) {
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
  }
  if (env) {
    lua_pushvalue(L, 4);
    lua_setupvalue(L, -2, 1);
  }
  return 1;
}

static int f_setmetatable(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  int type = lua_type(L, 2);
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "cannot change a protected metatable");
  lua_settop(L, 2);
  if (type == LUA_TTABLE) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL)
      return luaL_error(L, "__gc is not available to scripts: use <close> variables");
    lua_pop(L, 1);
  }
  lua_setmetatable(L, 1);
  return 1;
}

static void set_trace(lua_State *L) { /* takes it from the top */
  lua_setfield(L, LUA_REGISTRYINDEX, "tidelock.trace");
}

/* Stack: ..., false, what the handler returned or raised. */
static int handler_over(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  lua_pushnil(L);
  set_trace(L);
  return 2;
}

/* Stack: handler, a place for the first result, f_keep_trace, results or the error. */
static int xpcall_over(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  bool ok = status == LUA_OK || status == LUA_YIELD;
  lua_remove(L, 3);
  lua_pushboolean(L, ok);
  if (ok) {
    lua_replace(L, 2);
    return lua_gettop(L) - 1;
  }
  lua_pushvalue(L, 1);
  lua_pushvalue(L, -3);
  return handler_over(L, lua_pcallk(L, 1, 1, 0, 0, handler_over), 0);
}

/* (error) → the same; keeps the traceback of where it was raised. */
static int f_keep_trace(lua_State *L) {
  if (task_is_deep(L)) return 1;
  luaL_traceback(L, L, NULL, 1);
  set_trace(L);
  return 1;
}

/* xpcall(f, handler, ...): the handler runs after unwinding, so that hooks reach it;
 * debug.traceback inside it still shows where the error was raised. */
static int f_xpcall(lua_State *L) {
  int n = lua_gettop(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 2); /* handler, f, args...: as xpcall_over wants them */
  lua_pushvalue(L, 1);
  lua_replace(L, 2);
  lua_replace(L, 1);
  lua_pushnil(L);
  lua_insert(L, 2); /* handler, place of the result, f, args... */
  lua_pushcfunction(L, f_keep_trace);
  lua_insert(L, 3);
  return xpcall_over(L, lua_pcallk(L, n - 2, LUA_MULTRET, 3, 0, xpcall_over), 0);
}

static int f_collectgarbage(lua_State *L) {
  static const char *const options[] = {"collect", "count", "step", NULL};
  switch (luaL_checkoption(L, 1, "collect", options)) {
  case 1:
    lua_pushnumber(L, lua_gc(L, LUA_GCCOUNT) + lua_gc(L, LUA_GCCOUNTB) / 1024.0);
    return 1;
  case 2:
    lua_pushboolean(L, lua_gc(L, LUA_GCSTEP, (int)luaL_optinteger(L, 2, 0)));
    return 1;
  default:
    lua_pushinteger(L, lua_gc(L, LUA_GCCOLLECT));
    return 1;
  }
}

/* debug.traceback([message]): a message that is no string is returned as it is. */
static int f_traceback(lua_State *L) {
  if (lua_type(L, 1) == LUA_TTHREAD) lua_remove(L, 1);
  if (!lua_isnoneornil(L, 1) && !lua_isstring(L, 1)) {
    lua_settop(L, 1);
    return 1;
  }
  lua_settop(L, 1);
  lua_tostring(L, 1);
  if (lua_getfield(L, LUA_REGISTRYINDEX, "tidelock.trace") != LUA_TSTRING)
    luaL_traceback(L, L, NULL, 1);
  if (lua_isnil(L, 1)) return 1;
  lua_pushvalue(L, 1);
  lua_pushliteral(L, "\n");
  lua_pushvalue(L, -3);
  lua_concat(L, 3);
  return 1;
}

/* --- require ---------------------------------------------------------------------- */

static int push_stdlib(lua_State *L, const char *name) {
  for (const StdlibFile *f = stdlib_files; f->module; f++) {
    if (strcmp(f->module, name) != 0 || stdlib_is_template(f)) continue;
    lua_pushfstring(L, "@%s", f->path);
    if (luaL_loadbufferx(L, (const char *)f->data, f->size, lua_tostring(L, -1), "t"))
      return lua_error(L);
    return 1;
  }
  return 0;
}

static int push_binding(lua_State *L, const char *name) {
  const LuaModule *m = vm_of(L)->host->modules;
  for (; m && m->name; m++) {
    if (strcmp(m->name, name) != 0) continue;
    lua_pushcfunction(L, m->open);
    return 1;
  }
  return 0;
}

/* (name's guard): a module that failed may be tried again. */
static int f_unmark(lua_State *L) {
  lua_settop(L, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_rawgeti(L, 1, 1);
  lua_pushvalue(L, 3);
  if (lua_rawget(L, 2) != LUA_TLIGHTUSERDATA) return 0;
  lua_pushvalue(L, 3);
  lua_pushnil(L);
  lua_rawset(L, 2);
  return 0;
}

/* Pushes what takes the mark off when the loader raises: not a pcall, which would take
 * the traceback off too. */
static void push_guard(lua_State *L) {
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, f_unmark);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  lua_toclose(L, -1);
}

/* The modules that scripts are given, not the parts of which stdlib makes them. */
static bool is_public(const char *name) {
  static const char prefix[] = "tidelock.";
  size_t len = sizeof prefix - 1;
  return strncmp(name, prefix, len) == 0 && !strchr(name + len, '.');
}

/* Stack: name, loaded table, guard, result. */
static int require_over(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  if (lua_isnil(L, 4)) {
    lua_pushboolean(L, 1);
    lua_replace(L, 4);
  }
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 4);
  const char *name = lua_tostring(L, 1);
  if (is_public(name)) strict_make(L, name, "function");
  lua_rawset(L, 2);
  return 1;
}

/* Of all that could be required: the nearest, or that of Tidelock's with `tidelock.`
 * before. */
static void look_for_meant(lua_State *L, Suggestion *s, const char *name) {
  const Vm *vm = vm_of(L);
  size_t prefix = strlen("tidelock.");
  suggest_begin(s, name);
  for (const LuaModule *m = vm->host->modules; m && m->name; m++) {
    if (strcmp(m->name + prefix, name) == 0) suggest_begin(s, m->name);
    if (!strstr(m->name, ".core")) suggest_offer(s, m->name);
  }
  for (const StdlibFile *f = stdlib_files; f->module; f++) {
    if (stdlib_is_template(f)) continue;
    if (strcmp(f->module + prefix, name) == 0) suggest_begin(s, f->module);
    suggest_offer(s, f->module);
  }
  vm->hooks->offer_modules(vm, s);
}

static int not_found(lua_State *L, const char *name) {
  Suggestion s;
  char shown[LUATEXT_SHOWN];
  look_for_meant(L, &s, name);
  return luaL_error(L,
                    "module '%s' not found: it is no module of Tidelock's, and neither "
                    "the script's folder nor a lib/ folder beside it has it%s",
                    luatext_cut(name, shown), suggest_text(&s));
}

static int f_require(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  luatext_need_whole(L, 1, 1, "require", "the module's name");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 2) != LUA_TNIL) {
    if (lua_islightuserdata(L, -1))
      return luaL_error(L, "module '%s' requires itself, by way of others", name);
    return 1;
  }
  lua_settop(L, 2);
  push_guard(L);
  if (!push_binding(L, name) && !push_stdlib(L, name) &&
      !vm_of(L)->hooks->find_module(L, name))
    return not_found(L, name);
  int loader = lua_gettop(L);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, (void *)&stdlib_files); /* mark: being loaded */
  lua_rawset(L, 2);
  lua_copy(L, loader, 4); /* the loader; its chunk name may lie below it */
  lua_settop(L, 4);
  lua_pushvalue(L, 1);
  lua_callk(L, 1, 1, 0, require_over);
  return require_over(L, LUA_OK, 0);
}

/* --- opening ---------------------------------------------------------------------- */

/* Makes a library anew with these functions only, for require as well. */
static void keep_only(lua_State *L, const char *library, const char *const *names) {
  lua_getglobal(L, library);
  lua_newtable(L);
  for (; *names; names++) {
    lua_getfield(L, -2, *names);
    lua_setfield(L, -2, *names);
  }
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, library);
  lua_pop(L, 1);
  lua_setglobal(L, library);
  lua_pop(L, 1);
}

static int open_libraries(lua_State *L) {
  watchdog_know_buffers(L); /* first: it needs more than it leaves */
  static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},
                                       {LUA_TABLIBNAME, luaopen_table},
                                       {LUA_STRLIBNAME, luaopen_string},
                                       {LUA_MATHLIBNAME, luaopen_math},
                                       {LUA_UTF8LIBNAME, luaopen_utf8},
                                       {LUA_OSLIBNAME, luaopen_os},
                                       {LUA_COLIBNAME, coroutine_open},
                                       {"io", print_open_io},
                                       {NULL, NULL}};
  static const luaL_Reg base[] = {{"load", f_load},
                                  {"setmetatable", f_setmetatable},
                                  {"xpcall", f_xpcall},
                                  {"collectgarbage", f_collectgarbage},
                                  {"require", f_require},
                                  {"print", f_print},
                                  {NULL, NULL}};
  static const char *const os_names[] = {"time",     "clock",  "date",
                                         "difftime", "getenv", NULL};
  for (const luaL_Reg *lib = libraries; lib->name; lib++) {
    luaL_requiref(L, lib->name, lib->func, 1);
    lua_pop(L, 1);
  }
  lua_pushglobaltable(L);
  luaL_setfuncs(L, base, 0);
  lua_newtable(L);
  lua_pushcfunction(L, f_traceback);
  lua_setfield(L, -2, "traceback");
  lua_setfield(L, -2, "debug");
  keep_only(L, "os", os_names);
  lua_settop(L, 0);
  reach_open(L);
  bounded_open(L);
  pure_open(L);
  cstack_open(L);
  return 0;
}

static int on_panic(lua_State *L) {
  const char *message = lua_tostring(L, -1);
  check_failed(message ? message : "an error outside of protection", "lua", 0);
}

int state_open(Vm *vm, Error *err) {
  vm->L = lua_newstate(allocate_bounded, vm);
  if (!vm->L) return error_set(err, ERR_MEMORY, "no memory for a Lua state");
  bridge_open(&vm->bridge, vm->L);
  vm->bridge.is_late = watchdog_is_late;
  vm->bridge.poll = watchdog_poll;
  coroutine_mark(vm->L, CO_CORE);
  lua_atpanic(vm->L, on_panic);
  lua_pushcfunction(vm->L, open_libraries);
  if (lua_pcall(vm->L, 0, 0, 0) != LUA_OK) {
    error_set(err, ERR_MEMORY, "cannot open the libraries: %s", lua_tostring(vm->L, -1));
    return ERR_MEMORY;
  }
  return 0;
}
