/* Resources and declarations: see resource.h. */
#include "resource/resource.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "resource/pending.h"
#include "vm/vm.h"

static void on_grace(Span *span);

/* --- declarations ----------------------------------------------------------------- */

static void free_options(const ResourceKind *kind, void *options) {
  if (options && kind->free_options) kind->free_options(options);
}

char *declaration_place(lua_State *L) {
  const Vm *vm = vm_of(L);
  lua_Debug frame;
  for (int level = 1; lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline <= 0 || *frame.source != '@') continue;
    if (vm->hooks->is_source(vm, frame.source + 1))
      return xasprintf("%s:%d", frame.short_src, frame.currentline);
  }
  return NULL;
}

static uint64_t hash_of(const ResourceKind *kind, const char *name, size_t len) {
  return hash_bytes(hash_bytes(HASH_START, &kind, sizeof kind), name, len);
}

static bool is_named(const Declaration *decl, const ResourceKind *kind,
                     const char *name) {
  return decl->kind == kind && strcmp(decl->name, name) == 0;
}

/* Those of this kind and name, one after the other. */
static Declaration *next_named(IndexNode *node, const ResourceKind *kind,
                               const char *name) {
  while (node && !is_named(CONTAINER_OF(node, Declaration, node), kind, name))
    node = index_next(node);
  return node ? CONTAINER_OF(node, Declaration, node) : NULL;
}

Declaration *declaration_first(const Vm *vm, const ResourceKind *kind, const char *name) {
  uint64_t hash = hash_of(kind, name, strlen(name));
  return next_named(index_first(&vm->declared, hash), kind, name);
}

Declaration *declaration_next(const Declaration *decl) {
  return next_named(index_next(&decl->node), decl->kind, decl->name);
}

Declaration *declaration_of(const Vm *vm, const ResourceKind *kind, const char *name) {
  Declaration *d = declaration_first(vm, kind, name);
  while (d && d->attached) d = declaration_next(d);
  return d;
}

Declaration *declaration_new(lua_State *L, const ResourceKind *kind, const char *name,
                             void *options) {
  Vm *vm = vm_of(L);
  Declaration *decl = xcalloc(1, sizeof *decl);
  decl->vm = vm;
  decl->kind = kind;
  decl->name = xstrdup(name);
  decl->place = declaration_place(L);
  decl->options = options;
  handlers_init(&decl->handlers);
  handlers_init(&decl->states);
  handlers_init(&decl->outgoing);
  handlers_init(&decl->drops);
  for (int i = 0; i < DECL_FUNCTIONS; i++) decl->functions[i] = LUA_NOREF;
  index_add(&vm->declared, &decl->node, hash_of(kind, name, strlen(name)));
  decl->at = vm->last_decl;
  *vm->last_decl = decl;
  vm->last_decl = &decl->next;
  return decl;
}

static void unbind_declaration(Declaration *decl) {
  if (decl->pends) index_remove(&decl->vm->host->resources->pending, &decl->waiting);
  decl->pends = false;
  if (!decl->res) return;
  Declaration **at = &decl->res->decls;
  while (*at != decl) at = &(*at)->next_bound;
  *at = decl->next_bound;
  decl->next_bound = NULL;
  decl->res = NULL;
}

static void wait_for_target(Declaration *decl) {
  unbind_declaration(decl);
  decl->pends = true;
  decl->logged = false;
  pending_look_soon(decl->vm->host);
  index_add(&decl->vm->host->resources->pending, &decl->waiting,
            hash_of(decl->kind, decl->name, strlen(decl->name)));
}

/* The owner's goes first, the others in the order in which they came. */
void declaration_bind(Declaration *decl, Resource *res) {
  unbind_declaration(decl);
  Declaration **at = &res->decls;
  while (decl->attached && *at) at = &(*at)->next_bound;
  decl->next_bound = *at;
  *at = decl;
  decl->res = res;
}

static void declaration_free(Declaration *decl) {
  lua_State *L = decl->vm->L;
  if (decl->res && decl->kind->leave) decl->kind->leave(decl);
  unbind_declaration(decl);
  boxes_close(&decl->boxes);
  index_remove(&decl->vm->declared, &decl->node);
  HandlerList *lists[] = {&decl->handlers, &decl->states, &decl->outgoing, &decl->drops};
  for (size_t i = 0; L && i < COUNT_OF(lists); i++) handlers_free(lists[i], L);
  for (int i = 0; L && i < DECL_FUNCTIONS; i++)
    luaL_unref(L, LUA_REGISTRYINDEX, decl->functions[i]);
  if (L && decl->kind->drop) decl->kind->drop(decl);
  free_options(decl->kind, decl->options);
  free(decl->name);
  free(decl->old_name);
  free(decl->place);
  free(decl);
}

void declaration_remove(Declaration *decl) {
  *decl->at = decl->next;
  if (decl->next) decl->next->at = decl->at;
  else decl->vm->last_decl = decl->at;
  declaration_free(decl);
}

void declarations_free(Vm *vm) {
  while (vm->decls) {
    Declaration *decl = vm->decls;
    vm->decls = decl->next;
    if (vm->decls) vm->decls->at = &vm->decls;
    declaration_free(decl);
  }
  vm->last_decl = &vm->decls;
  index_free(&vm->declared);
}

bool declaration_live(const Declaration *decl) {
  return decl->vm->state == VM_LIVE;
}

/* --- resources -------------------------------------------------------------------- */

static Resource *find_resource(Owner *owner, const ResourceKind *kind, const char *name,
                               size_t len) {
  IndexNode *node = index_first(&owner->resources, hash_of(kind, name, len));
  for (; node; node = index_next(node)) {
    Resource *r = CONTAINER_OF(node, Resource, node);
    if (r->kind == kind && strncmp(r->name, name, len) == 0 && r->name[len] == '\0')
      return r;
  }
  return NULL;
}

static void put_in_index(Resource *res) {
  index_add(&res->owner->resources, &res->node,
            hash_of(res->kind, res->name, strlen(res->name)));
}

char *resource_rename(Resource *res, char *name) {
  char *before = res->name;
  index_remove(&res->owner->resources, &res->node);
  res->name = name;
  put_in_index(res);
  return before;
}

Resource *resource_for(const Declaration *decl) {
  return find_resource(decl->vm->owner, decl->kind, decl->name, strlen(decl->name));
}

static void release_resource(Resource *res) {
  Host *host = res->owner->host;
  span_stop(&res->grace);
  if (res->prev) res->prev->next = res->next;
  else host->resources->first = res->next;
  if (res->next) res->next->prev = res->prev;
  index_remove(&res->owner->resources, &res->node);
  free_options(res->kind, res->options);
  free(res->name);
  free(res);
}

void resource_close_object(Resource *res) {
  if (res->object) res->kind->close(res); /* else it was lost */
  res->object = NULL;
}

int resource_prepare(Resource *res, Declaration *decl, Error *err) {
  return res->kind->prepare ? res->kind->prepare(res, decl, err) : 0;
}

Resource *resource_open(Declaration *decl, Error *err) {
  Host *host = decl->vm->host;
  Resource *res = xcalloc(1, sizeof *res);
  res->kind = decl->kind;
  res->owner = decl->vm->owner;
  res->name = xstrdup(decl->name);
  res->grace.over = on_grace;
  res->options = decl->options;
  decl->options = NULL;
  res->next = host->resources->first;
  if (host->resources->first) host->resources->first->prev = res;
  host->resources->first = res;
  put_in_index(res);
  if (res->kind->open(res, err) == 0 && resource_prepare(res, decl, err) == 0) return res;
  resource_close_object(res);
  decl->options = res->options;
  res->options = NULL;
  release_resource(res);
  return NULL;
}

void resource_close(Resource *res) {
  while (res->decls) {
    Declaration *decl = res->decls;
    unbind_declaration(decl);
    if (res->kind->lose) res->kind->lose(decl);
    if (decl->attached && decl->vm->state != VM_DEAD)
      wait_for_target(decl); /* it may come back */
  }
  resource_close_object(res);
  release_resource(res);
}

/* Whether anybody's claim stands: a staged one counts only when it is live. */
bool resource_orphaned(const Resource *res) {
  for (Declaration *d = res->decls; d; d = d->next_bound)
    if (!d->attached && d->vm->state == VM_LIVE) return false;
  return true;
}

static void on_grace(Span *span) {
  Resource *res = CONTAINER_OF(span, Resource, grace);
  log_write(res->owner->host->log, LOG_INFO, res->owner->name,
            "%s %s is closed: the script no longer declares it", res->kind->name,
            res->name);
  resource_close(res);
}

void resources_quiesce(Owner *owner) {
  for (Resource *r = owner->host->resources->first; r; r = r->next)
    if (r->owner == owner && r->object && r->kind->quiesce) r->kind->quiesce(r);
}

/* --- attaching -------------------------------------------------------------------- */

static Resource *find_target(Declaration *decl) {
  const char *colon = strchr(decl->name, ':');
  Owner *owner = owner_find(decl->vm->host, decl->name, (size_t)(colon - decl->name));
  return owner ? find_resource(owner, decl->kind, colon + 1, strlen(colon + 1)) : NULL;
}

void declaration_attach(Declaration *decl) {
  Resource *res = find_target(decl);
  if (res) {
    declaration_bind(decl, res);
    return;
  }
  wait_for_target(decl);
}

void declaration_join(Declaration *decl) {
  if (decl->res && decl->kind->join && declaration_live(decl)) decl->kind->join(decl);
}

/* The last of those that wait for the resource: the first that came. */
static Declaration *first_waiting(const Resource *res, const char *target,
                                  uint64_t hash) {
  Declaration *first = NULL;
  IndexNode *node = index_first(&res->owner->host->resources->pending, hash);
  for (; node; node = index_next(node)) {
    Declaration *decl = CONTAINER_OF(node, Declaration, waiting);
    if (is_named(decl, res->kind, target)) first = decl;
  }
  return first;
}

void declarations_attach_to(Resource *res) {
  if (!res->owner->host->resources->pending.count) return;
  char *target = xasprintf("%s:%s", res->owner->name, res->name);
  uint64_t hash = hash_of(res->kind, target, strlen(target));
  for (Declaration *decl; (decl = first_waiting(res, target, hash));) {
    declaration_bind(decl, res);
    declaration_join(decl);
  }
  free(target);
}
