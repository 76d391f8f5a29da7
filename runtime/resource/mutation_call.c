/* See mutation_call.h. The drafts of a stretch of entries are items of one table, held by
 * the registry; an absent tree has none, and its functions get nil for it. */
#include "resource/mutation_call.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/draft.h"
#include "bridge/draft_handle.h"
#include "bridge/view.h"
#include "vm/call.h"

struct MutationDrafts {
  Vm *vm;
  const RebaseTree *trees; /* only while it opens */
  size_t count;
  int table; /* reference */
};

static int f_open(lua_State *L) {
  MutationDrafts *d = lua_touserdata(L, 1);
  lua_createtable(L, (int)d->count, 0);
  for (size_t i = 0; i < d->count; i++) {
    if (d->trees[i].value.type == VALUE_ABSENT) continue;
    draft_push(L, d->trees[i].account, d->trees[i].value);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  d->table = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

MutationDrafts *mutation_open(Vm *vm, const RebaseTree *trees, size_t count) {
  MutationDrafts *d = xcalloc(1, sizeof *d);
  *d = (MutationDrafts){.vm = vm, .trees = trees, .count = count, .table = LUA_NOREF};
  if (vm_call(vm, NULL, NULL, f_open, d, NULL)) return d;
  free(d);
  return NULL;
}

/* Sets what the drafts have become; false: of one it cannot be had. */
static bool end_drafts(const MutationDrafts *d, Value *trees) {
  lua_State *L = d->vm->L;
  bool ok = true;
  Error err;
  lua_rawgeti(L, LUA_REGISTRYINDEX, d->table);
  for (size_t i = 0; i < d->count; i++) {
    if (lua_rawgeti(L, -1, (lua_Integer)i + 1) == LUA_TUSERDATA)
      ok = draft_end(L, lua_gettop(L), trees ? &trees[i] : NULL, &err) == 0 && ok;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  luaL_unref(L, LUA_REGISTRYINDEX, d->table);
  return ok;
}

static void replace_trees(const MutationDrafts *d, const Value *made, bool ok,
                          RebaseTree *trees) {
  for (size_t i = 0; i < d->count; i++) {
    if (made[i].type == VALUE_ABSENT) continue;
    value_release(ok ? trees[i].value : made[i]);
    if (ok) trees[i].value = made[i];
  }
}

bool mutation_close(MutationDrafts *d, RebaseTree *trees) {
  bool ok = true;
  if (!trees) {
    end_drafts(d, NULL);
  } else {
    Value *made = xcalloc(d->count, sizeof *made);
    ok = end_drafts(d, made);
    replace_trees(d, made, ok, trees);
    free(made);
  }
  free(d);
  return ok;
}

/* --- calling ---------------------------------------------------------------------- */

typedef struct Application {
  const MutationDrafts *drafts;
  const Value *argument; /* NULL: it gets the drafts alone */
  int function;
  const char *name;
  const size_t *places;
  size_t count;
} Application;

static void push_drafts(lua_State *L, const Application *a) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, a->drafts->table);
  int table = lua_gettop(L);
  for (size_t i = 0; i < a->count; i++) {
    if (a->places[i] == REBASE_GONE) lua_pushnil(L);
    else lua_rawgeti(L, table, (lua_Integer)a->places[i] + 1);
  }
  lua_remove(L, table);
}

static int f_apply(lua_State *L) {
  const Application *a = lua_touserdata(L, 1);
  lua_settop(L, 0);
  luaL_checkstack(L, (int)a->count + 8, NULL);
  lua_rawgeti(L, LUA_REGISTRYINDEX, a->function);
  if (a->argument) view_push(L, *a->argument);
  push_drafts(L, a);
  lua_call(L, lua_gettop(L) - 1, 1);
  if (lua_isnil(L, -1) || draft_node_at(L, -1)) return 0;
  return draft_refuse_result(L, a->name);
}

/* Without a report when `what` is NULL. */
static bool call_function(Vm *vm, const char *what, Application *a, VmCallEnd *end,
                          Error *err) {
  const char *outer = vm->applies;
  vm_set_applies(vm, a->name);
  bool ok = vm_call_apart(vm, what, a->name, f_apply, a, end, err);
  vm_set_applies(vm, outer);
  return ok;
}

static Mutation *find_function(const Pended *p) {
  Mutation *m = p->all->functions;
  while (m && (m->vm != p->owner->current || strcmp(m->name, p->name) != 0)) m = m->next;
  return m;
}

Mutation *mutation_of(Pended *p) {
  if (p->version != p->all->version) {
    p->mutation = find_function(p);
    p->version = p->all->version;
  }
  return p->mutation;
}

bool mutation_apply(MutationDrafts *d, Pended *p, const size_t *places, size_t count,
                    Error *err) {
  Mutation *m = mutation_of(p);
  VmCallEnd end;
  if (!m || m->vm != d->vm || p->barred == m->number) {
    error_set(err, ERR_NOT_FOUND, "the script has no function for \"%s\" now", p->name);
    return false;
  }
  Application a = {d, &p->argument, m->function, m->name, places, count};
  bool ok = call_function(d->vm, m->reported ? NULL : "apply", &a, &end, err);
  if (ok) return true;
  m->reported = true;
  if (end.late) p->barred = m->number;
  return false;
}

bool mutation_edit(MutationDrafts *d, int function, const char *name,
                   const size_t *places, size_t count, Error *err) {
  VmCallEnd end;
  Application a = {d, NULL, function, name, places, count};
  return call_function(d->vm, NULL, &a, &end, err);
}
