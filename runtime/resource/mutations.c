/* See mutations.h. */
#include "resource/mutations.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/luavalue.h"
#include "core/hash.h"
#include "resource/mutation_call.h"
#include "resource/resources.h"

#define SLICE 0.005

/* --- what a rebase asks ------------------------------------------------------------- */

static Value base_of(void *object) {
  const MutationTarget *t = object;
  return t->kind->base(t->object);
}

static void *open_drafts(void *ctx, void *owner, const RebaseTree *trees, size_t count) {
  (void)ctx;
  Vm *vm = ((Owner *)owner)->current;
  return vm ? mutation_open(vm, trees, count) : NULL;
}

static bool apply_entry(void *draft, void *entry, const size_t *places, size_t count) {
  Error err;
  return mutation_apply(draft, entry, places, count, &err);
}

static bool close_drafts(void *draft, RebaseTree *trees) {
  return mutation_close(draft, trees);
}

static void tell_changed(void *object) {
  const MutationTarget *t = object;
  t->kind->changed(t->object);
}

static void want_slice(void *ctx) {
  Mutations *all = ctx;
  if (all->queued) return;
  all->queued = true;
  inbox_push(all->host->loop, &all->slice);
}

static void on_slice(Event *event) {
  Mutations *all = CONTAINER_OF(event, Mutations, slice);
  all->queued = false;
  rebase_go_on(all->rebase);
}

static void free_entry(void *entry) {
  Pended *p = entry;
  index_remove(&p->all->entries, &p->node);
  value_release(p->argument);
  charge_let_go(p->charge, p->bytes);
  free(p->id);
  free(p->name);
  free(p);
}

static const RebaseOps rebase_ops = {.base = base_of,
                                     .open = open_drafts,
                                     .apply = apply_entry,
                                     .close = close_drafts,
                                     .changed = tell_changed,
                                     .wants_slice = want_slice,
                                     .forget = free_entry};

Mutations *mutations_new(Host *host) {
  Mutations *all = xcalloc(1, sizeof *all);
  all->host = host;
  all->slice.run = on_slice;
  all->version = 1;
  all->rebase = rebase_new(&rebase_ops, all, SLICE);
  return all;
}

void mutations_free(Mutations *all) {
  CHECK(!all->functions);
  rebase_free(all->rebase);
  while (all->payers) {
    Payer *payer = all->payers;
    all->payers = payer->next;
    value_account_close(payer->account);
    free(payer);
  }
  index_free(&all->entries);
  free(all);
}

static Mutations *all_of(const Vm *vm) {
  return resources_of(vm)->mutations;
}

/* --- targets ---------------------------------------------------------------------- */

MutationTarget *mutation_target_new(Mutations *all, const MutationTargetKind *kind,
                                    void *object, size_t memory, Charge *charge) {
  MutationTarget *t = xcalloc(1, sizeof *t);
  t->all = all;
  t->kind = kind;
  t->object = object;
  t->account = value_account_new(memory);
  value_account_charge(t->account, charge);
  t->tree = rebase_target_new(all->rebase, t->account, t);
  return t;
}

static void remove_entry(Pended *p) {
  index_remove(&p->all->entries, &p->node);
  rebase_remove(p->entry);
}

void mutation_target_free(MutationTarget *t) {
  rebase_target_free(t->tree);
  value_account_close(t->account);
  free(t);
}

Value mutation_target_shown(MutationTarget *t) {
  return rebase_shown(t->tree);
}

bool mutation_target_is_idle(const MutationTarget *t) {
  return rebase_is_idle(t->tree);
}

size_t mutation_target_count(const MutationTarget *t) {
  return rebase_count(t->tree);
}

size_t mutation_target_behind(const MutationTarget *t) {
  return rebase_behind(t->tree);
}

/* --- functions -------------------------------------------------------------------- */

static bool is_defined(const Mutations *all, const Vm *vm, const char *name) {
  const Mutation *m = all->functions;
  while (m && (m->vm != vm || strcmp(m->name, name) != 0)) m = m->next;
  return m != NULL;
}

void mutation_define(lua_State *L, const char *name, int index) {
  Vm *vm = vm_of(L);
  Mutations *all = all_of(vm);
  if (is_defined(all, vm, name))
    luaL_error(L, "the mutation \"%s\" is defined already", name);
  lua_pushvalue(L, index);
  int function = luaL_ref(L, LUA_REGISTRYINDEX);
  Mutation *m = xcalloc(1, sizeof *m);
  *m = (Mutation){.next = all->functions,
                  .vm = vm,
                  .name = xstrdup(name),
                  .function = function,
                  .number = ++all->numbers};
  all->functions = m;
  all->version++;
  if (vm == vm->owner->current) rebase_renew(all->rebase);
}

void mutations_swap(Vm *vm) {
  Mutations *all = all_of(vm);
  all->version++;
  rebase_renew(all->rebase);
}

/* A generation that was replaced before has nothing shown. */
void mutations_drop(Vm *vm) {
  Mutations *all = all_of(vm);
  bool any = false;
  for (Mutation **at = &all->functions; *at;) {
    Mutation *m = *at;
    if (m->vm != vm) {
      at = &m->next;
      continue;
    }
    *at = m->next;
    if (vm->L) luaL_unref(vm->L, LUA_REGISTRYINDEX, m->function);
    free(m->name);
    free(m);
    any = true;
  }
  all->version++;
  if (any && !vm->owner->current) rebase_renew(all->rebase);
}

/* --- entries ---------------------------------------------------------------------- */

static uint64_t hash_of(const char *id, size_t len) {
  return hash_bytes(HASH_START, id, len);
}

static Pended *find_entry(const Mutations *all, const Owner *owner, const char *id,
                          size_t len) {
  IndexNode *node = index_first(&all->entries, hash_of(id, len));
  for (; node; node = index_next(node)) {
    Pended *p = CONTAINER_OF(node, Pended, node);
    if (p->owner == owner && p->id_len == len && memcmp(p->id, id, len) == 0) return p;
  }
  return NULL;
}

/* Who pays for the script's arguments. */
static ValueAccount *account_for(Mutations *all, const Owner *owner) {
  Payer *payer = all->payers;
  while (payer && payer->owner != owner) payer = payer->next;
  if (payer) return payer->account;
  payer = xcalloc(1, sizeof *payer);
  *payer = (Payer){all->payers, owner, value_account_new(0)};
  value_account_charge(payer->account, owner->charge);
  all->payers = payer;
  return payer->account;
}

/* NULL: it is gone. */
static MutationTarget *target_at(const Pended *p, size_t index) {
  RebaseTarget *tree = rebase_entry_target(p->entry, index);
  return tree ? rebase_target_object(tree) : NULL;
}

static void tell_targets(const Pended *p) {
  for (size_t i = 0; i < rebase_entry_targets(p->entry); i++)
    if (target_at(p, i)) tell_changed(target_at(p, i));
}

static bool has_targets(const Pended *p, const MutationEntry *e) {
  if (rebase_entry_targets(p->entry) != e->count) return false;
  for (size_t i = 0; i < e->count; i++)
    if (rebase_entry_target(p->entry, i) != e->targets[i]->tree) return false;
  return true;
}

/* Takes the argument. */
static void replace_entry(Pended *p, const MutationEntry *e, Value argument) {
  free(p->name);
  p->name = xstrdup(e->name);
  p->version = 0;
  p->barred = 0;
  value_release(p->argument);
  p->argument = argument;
  rebase_touch(p->entry);
}

static Pended *new_entry(lua_State *L, const MutationEntry *e, Value argument) {
  Mutations *all = all_of(vm_of(L));
  Pended *p = xcalloc(1, sizeof *p);
  p->all = all;
  p->owner = vm_of(L)->owner;
  p->id = xstrndup(e->id, e->id_len);
  p->id_len = e->id_len;
  p->name = xstrdup(e->name);
  p->argument = argument;
  p->bytes = sizeof *p + e->id_len + strlen(e->name) + 64 * e->count;
  p->charge = vm_hold(L, p->bytes);
  RebaseTarget **trees = xcalloc(e->count, sizeof *trees);
  for (size_t i = 0; i < e->count; i++) trees[i] = e->targets[i]->tree;
  p->entry = rebase_add(all->rebase, p, p->owner, trees, e->count);
  free(trees);
  index_add(&all->entries, &p->node, hash_of(p->id, p->id_len));
  return p;
}

/* None: absent. */
static void read_argument(lua_State *L, const MutationEntry *e, int index, Value *out) {
  Vm *vm = vm_of(L);
  Error err;
  if (lua_isnoneornil(L, index)) return;
  if (luavalue_read(L, index, account_for(all_of(vm), vm->owner), out, &err) != 0)
    luaL_error(L, "the argument of %s: %s", e->name, err.message);
}

void mutation_pend(lua_State *L, const MutationEntry *e, int index) {
  Vm *vm = vm_of(L);
  Mutations *all = all_of(vm);
  Pended *p = find_entry(all, vm->owner, e->id, e->id_len);
  Value argument = {0};
  if (p && !has_targets(p, e))
    luaL_error(L, "the entry %s is pending already, on other targets", e->id);
  need_memory(L, sizeof *p);
  read_argument(L, e, index, &argument);
  if (p) replace_entry(p, e, argument);
  else p = new_entry(L, e, argument);
  tell_targets(p);
}

bool mutation_unpend(lua_State *L, const char *id, size_t len) {
  Vm *vm = vm_of(L);
  Pended *p = find_entry(all_of(vm), vm->owner, id, len);
  if (!p) return false;
  tell_targets(p);
  remove_entry(p);
  return true;
}

/* --- settling --------------------------------------------------------------------- */

/* The bases of an entry's targets while they are changed. */
typedef struct Settling {
  Pended *pended;
  size_t count, begun;
  RebaseTree *trees; /* owned, with their values */
  size_t *places;
} Settling;

static void begin_settling(Settling *s, Pended *p) {
  size_t count = rebase_entry_targets(p->entry);
  *s = (Settling){.pended = p, .count = count};
  s->trees = xcalloc(count, sizeof *s->trees);
  s->places = xcalloc(count, sizeof *s->places);
  for (size_t i = 0; i < count; i++) {
    MutationTarget *t = target_at(p, i);
    s->places[i] = t ? i : REBASE_GONE;
    if (!t) continue;
    s->trees[i].account = t->kind->account(t->object);
    s->trees[i].value = value_retain(base_of(t));
  }
}

/* False: a change of one of them is under way. */
static bool begin_changes(Settling *s) {
  for (; s->begun < s->count; s->begun++) {
    MutationTarget *t = target_at(s->pended, s->begun);
    if (t && !t->kind->begin(t->object)) return false;
  }
  return true;
}

static void end_settling(Settling *s) {
  for (size_t i = 0; i < s->begun; i++) {
    MutationTarget *t = target_at(s->pended, i);
    if (t) t->kind->end(t->object);
  }
  s->begun = 0;
}

static void free_settling(Settling *s) {
  for (size_t i = 0; i < s->count; i++) value_release(s->trees[i].value);
  free(s->trees);
  free(s->places);
}

static Vm *current_of(const Pended *p, Error *err) {
  Vm *vm = p->owner->current;
  if (!vm) error_set(err, ERR_NOT_FOUND, "the script of the entry %s has ended", p->id);
  return vm;
}

static bool edit_bases(Settling *s, Vm *vm, int function, Error *err) {
  Pended *p = s->pended;
  MutationDrafts *drafts = vm ? mutation_open(vm, s->trees, s->count) : NULL;
  if (!drafts) return vm ? (error_set(err, ERR_MEMORY, "no memory"), false) : false;
  bool ok = function == LUA_NOREF
                ? mutation_apply(drafts, p, s->places, s->count, err)
                : mutation_edit(drafts, function, p->name, s->places, s->count, err);
  if (mutation_close(drafts, ok ? s->trees : NULL)) return ok;
  error_set(err, ERR_MEMORY, "no memory for what the entry %s changes", p->id);
  return false;
}

/* The new bases are in force, and the entry is gone. */
static void install_bases(Settling *s, bool absorbs) {
  Pended *p = s->pended;
  for (size_t i = 0; i < s->count; i++) {
    MutationTarget *t = target_at(p, i);
    if (!t || s->trees[i].value.type == VALUE_ABSENT) continue;
    t->kind->settle(t->object, s->trees[i].value, rebase_shown(t->tree));
    s->trees[i].value = (Value){0};
  }
  tell_targets(p);
  index_remove(&p->all->entries, &p->node);
  if (absorbs) rebase_absorb(p->entry);
  else rebase_remove(p->entry);
}

/* A mutation that is applied once more to the base, as the first one of all, leads to
 * what is shown. */
static int settle_entry(Pended *p, Vm *vm, int function, Error *err) {
  bool absorbs = function == LUA_NOREF && rebase_can_absorb(p->entry);
  Settling s;
  begin_settling(&s, p);
  bool ok = begin_changes(&s);
  if (ok) ok = edit_bases(&s, vm, function, err);
  else
    error_set(err, ERR_INVALID, "the entry %s cannot be settled inside a change", p->id);
  end_settling(&s);
  if (ok) install_bases(&s, absorbs);
  free_settling(&s);
  return ok ? 0 : (int)err->code;
}

int mutation_settle(lua_State *L, const char *id, size_t len, int index, Error *err) {
  Vm *vm = vm_of(L);
  Pended *p = find_entry(all_of(vm), vm->owner, id, len);
  if (!p) return error_set(err, ERR_NOT_FOUND, "no entry %s is pending", id);
  if (!index) return settle_entry(p, current_of(p, err), LUA_NOREF, err);
  lua_pushvalue(L, index);
  int function = luaL_ref(L, LUA_REGISTRYINDEX);
  int code = settle_entry(p, vm, function, err);
  luaL_unref(L, LUA_REGISTRYINDEX, function);
  return code;
}
