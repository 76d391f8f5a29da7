/* See declare.h. A declaration of a live script takes effect at once (declare_live). */
#include "resource/declare.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/luatext.h"
#include "core/name.h"
#include "resource/reconcile.h"
#include "resource/resource.h"

/* Its resource was closed: the name may be declared again. */
static bool is_over(const Declaration *decl) {
  return decl->vm->state != VM_STAGING && !decl->attached && !decl->res;
}

static void check_name(lua_State *L, Vm *vm, const ResourceKind *kind, const char *name,
                       bool attached) {
  const char *rest = name;
  char shown[LUATEXT_SHOWN];
  if (attached) {
    const char *colon = strchr(name, ':');
    if (!colon)
      luaL_error(L, "attach takes \"script:name\", not \"%s\"", luatext_cut(name, shown));
    rest = colon + 1;
  }
  if (!name_valid(rest))
    luaL_error(L, "%s name \"%s\": a name is made of letters, digits, _ . - (64 at most)",
               kind->name, luatext_cut(name, shown));
  for (Declaration *d = declaration_first(vm, kind, name); d; d = declaration_next(d))
    if (!is_over(d))
      luaL_error(L, "%s \"%s\" is declared twice in this script", kind->name,
                 luatext_cut(name, shown));
}

/* Checks the name protected, so that the options are not lost when it raises. */
static int f_check(lua_State *L) {
  check_name(L, vm_of(L), lua_touserdata(L, 1), lua_touserdata(L, 2),
             lua_toboolean(L, 3));
  return 0;
}

static bool is_name_right(lua_State *L, const ResourceKind *kind, const char *name,
                          bool attached) {
  lua_pushcfunction(L, f_check);
  lua_pushlightuserdata(L, (void *)kind);
  lua_pushlightuserdata(L, (void *)name);
  lua_pushboolean(L, attached);
  return lua_pcall(L, 3, 0, 0) == LUA_OK;
}

/* The text on top, with where the script is, not the module of stdlib that it called. */
static int raise_here(lua_State *L) {
  char *place = declaration_place(L), text[LUA_IDSIZE + 16] = "";
  if (place) snprintf(text, sizeof text, "%s: ", place);
  free(place); /* what follows may raise */
  lua_pushstring(L, text);
  lua_insert(L, -2);
  lua_concat(L, 2);
  return lua_error(L);
}

const char *declared_name(lua_State *L, int arg) {
  char shown[LUATEXT_SHOWN];
  const char *name = luaL_checkstring(L, arg);
  if (luatext_whole(L, arg)) return name;
  lua_pushfstring(L, "the name \"%s\": a name cannot hold a zero byte",
                  luatext_show(L, arg, shown));
  raise_here(L);
  return NULL;
}

/* Handlers of it run, one after the other. */
static bool is_firing(const Declaration *decl) {
  return decl->handlers.depth || decl->states.depth || decl->outgoing.depth ||
         decl->drops.depth;
}

/* What is over is forgotten when its name is declared again: else a script that does so
 * for ever would grow. Handles of it find nothing any more. */
static void forget_over(Vm *vm, const ResourceKind *kind, const char *name) {
  Declaration *decl = declaration_first(vm, kind, name);
  while (decl && (!is_over(decl) || is_firing(decl))) decl = declaration_next(decl);
  if (!decl) return;
  declaration_remove(decl);
}

Declaration *declare(lua_State *L, const ResourceKind *kind, const char *name,
                     void *options, Error *err) {
  return declare_with(L, kind, name, options, NULL, 0, err);
}

Declaration *declare_with(lua_State *L, const ResourceKind *kind, const char *name,
                          void *options, const int *functions, int count, Error *err) {
  Vm *vm = vm_of(L);
  if (!is_name_right(L, kind, name, false)) {
    if (options && kind->free_options) kind->free_options(options);
    for (int i = 0; i < count; i++) luaL_unref(L, LUA_REGISTRYINDEX, functions[i]);
    raise_here(L);
  }
  forget_over(vm, kind, name);
  Declaration *decl = declaration_new(L, kind, name, options);
  for (int i = 0; i < count; i++) decl->functions[i] = functions[i];
  if (vm->state == VM_STAGING || declare_live(decl, err) == 0) return decl;
  declaration_remove(decl);
  return NULL;
}

Declaration *declare_attached(lua_State *L, const ResourceKind *kind,
                              const char *target) {
  Vm *vm = vm_of(L);
  if (!is_name_right(L, kind, target, true)) raise_here(L);
  Declaration *decl = declaration_new(L, kind, target, NULL);
  decl->attached = true;
  if (vm->state == VM_STAGING) return decl;
  declaration_attach(decl);
  declaration_join(decl);
  return decl;
}
