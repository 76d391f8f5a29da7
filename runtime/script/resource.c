/* Resources and declarations: see resource.h. Reconciling is all or nothing: what can
 * fail is tried first (opening what is new, reopening what changed), and undone when
 * something does; only then declarations are bound, which cannot fail. */
#include "script/resource.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script/luaerror.h"
#include "script/script.h"

static void on_grace(Timer *timer);

/* --- declarations ----------------------------------------------------------------- */

static void free_options(const ResourceKind *kind, void *options) {
  if (options && kind->free_options) kind->free_options(options);
}

static Declaration *declaration_new(Generation *gen, const ResourceKind *kind,
                                    const char *name, void *options) {
  Declaration *decl = xcalloc(1, sizeof *decl);
  decl->gen = gen;
  decl->kind = kind;
  decl->name = xstrdup(name);
  decl->options = options;
  handlers_init(&decl->handlers);
  handlers_init(&decl->states);
  handlers_init(&decl->outgoing);
  for (int i = 0; i < DECL_FUNCTIONS; i++) decl->functions[i] = LUA_NOREF;
  *gen->last_decl = decl;
  gen->last_decl = &decl->next;
  return decl;
}

static void remove_from(Declaration **at, Declaration *decl) {
  while (*at && *at != decl) at = &(*at)->next_bound;
  if (*at) *at = decl->next_bound;
  decl->next_bound = NULL;
}

static void unbind(Declaration *decl) {
  remove_from(decl->res ? &decl->res->decls : &decl->gen->rt->pending, decl);
  decl->res = NULL;
}

/* The owner's goes first, the others in the order in which they came. */
static void bind_to(Declaration *decl, Resource *res) {
  unbind(decl);
  Declaration **at = &res->decls;
  while (decl->attached && *at) at = &(*at)->next_bound;
  decl->next_bound = *at;
  *at = decl;
  decl->res = res;
}

static void declaration_free(Declaration *decl) {
  lua_State *L = decl->gen->L;
  unbind(decl);
  HandlerList *lists[] = {&decl->handlers, &decl->states, &decl->outgoing};
  for (size_t i = 0; L && i < COUNT_OF(lists); i++) handlers_free(lists[i], L);
  for (int i = 0; L && i < DECL_FUNCTIONS; i++)
    luaL_unref(L, LUA_REGISTRYINDEX, decl->functions[i]);
  if (L && decl->kind->drop) decl->kind->drop(decl);
  free_options(decl->kind, decl->options);
  free(decl->name);
  free(decl);
}

void declarations_free(Generation *gen) {
  while (gen->decls) {
    Declaration *decl = gen->decls;
    gen->decls = decl->next;
    declaration_free(decl);
  }
  gen->last_decl = &gen->decls;
}

bool declaration_live(const Declaration *decl) {
  return decl->gen->state == GEN_LIVE;
}

/* --- resources -------------------------------------------------------------------- */

static Resource *find(Script *owner, const ResourceKind *kind, const char *name,
                      size_t len) {
  for (Resource *r = owner->rt->resources; r; r = r->next)
    if (r->owner == owner && r->kind == kind && strlen(r->name) == len &&
        memcmp(r->name, name, len) == 0)
      return r;
  return NULL;
}

static void release_resource(Resource *res) {
  Runtime *rt = res->owner->rt;
  timer_stop(rt->loop, &res->grace);
  if (res->prev) res->prev->next = res->next;
  else rt->resources = res->next;
  if (res->next) res->next->prev = res->prev;
  free_options(res->kind, res->options);
  free(res->name);
  free(res);
}

static void close_core(Resource *res) {
  if (res->core) res->kind->close(res); /* else it was lost */
  res->core = NULL;
}

static int prepare(Resource *res, Declaration *decl, Error *err) {
  return res->kind->prepare ? res->kind->prepare(res, decl, err) : 0;
}

static Resource *resource_open(Declaration *decl, Error *err) {
  Runtime *rt = decl->gen->rt;
  Resource *res = xcalloc(1, sizeof *res);
  res->kind = decl->kind;
  res->owner = decl->gen->script;
  res->name = xstrdup(decl->name);
  res->grace.fire = on_grace;
  res->options = decl->options;
  decl->options = NULL;
  res->next = rt->resources;
  if (rt->resources) rt->resources->prev = res;
  rt->resources = res;
  if (res->kind->open(res, err) == 0) decl->opened = prepare(res, decl, err) == 0;
  if (decl->opened) return res;
  close_core(res);
  decl->options = res->options;
  res->options = NULL;
  release_resource(res);
  return NULL;
}

void resource_close(Resource *res) {
  while (res->decls) {
    Declaration *decl = res->decls;
    unbind(decl);
    if (!decl->attached || decl->gen->state == GEN_DEAD) continue;
    decl->next_bound = decl->gen->rt->pending; /* it may come back */
    decl->gen->rt->pending = decl;
  }
  close_core(res);
  release_resource(res);
}

static void swap_options(Resource *res, Declaration *decl) {
  void *options = res->options;
  res->options = decl->options;
  decl->options = options; /* kept for undoing */
}

/* Opens a resource with new options beside the old core, which goes on meanwhile; on
 * failure nothing has changed. */
static int reopen_beside(Resource *res, Declaration *decl, Error *err) {
  void *core = res->core;
  swap_options(res, decl);
  res->core = NULL;
  decl->beside = res->kind->open(res, err) == 0;
  if (decl->beside) {
    decl->old_core = core;
    return 0;
  }
  swap_options(res, decl);
  res->core = core;
  return (int)err->code;
}

/* All is well: the old core goes. */
static void settle(Declaration *decl, Resource *res) {
  void *core = res->core;
  if (!decl->beside) return;
  res->core = decl->old_core;
  close_core(res);
  res->core = core;
  decl->old_core = NULL;
  decl->beside = false;
}

static void undo_beside(Declaration *decl, Resource *res) {
  close_core(res);
  res->core = decl->old_core;
  swap_options(res, decl);
  decl->old_core = NULL;
  decl->beside = false;
}

/* The same for what can exist once only, as a port: it is closed first; on failure the
 * old options are in force again. */
static int reopen_after(Resource *res, Declaration *decl, Error *err) {
  close_core(res);
  swap_options(res, decl);
  if (res->kind->open(res, err) == 0) return 0;
  Error again;
  swap_options(res, decl);
  if (res->kind->open(res, &again) == 0) {
    if (res->kind->start) res->kind->start(res);
  } else {
    log_write(res->owner->rt->log, LOG_ERROR, res->owner->name, "%s %s is lost: %s",
              res->kind->name, res->name, again.message);
  }
  return (int)err->code;
}

/* Whether anybody's claim stands: a staged one counts only when it is live. */
bool resource_orphaned(const Resource *res) {
  for (Declaration *d = res->decls; d; d = d->next_bound)
    if (!d->attached && d->gen->state == GEN_LIVE) return false;
  return true;
}

static void on_grace(Timer *timer) {
  Resource *res = CONTAINER_OF(timer, Resource, grace);
  log_write(res->owner->rt->log, LOG_INFO, res->owner->name,
            "%s %s is closed: the script no longer declares it", res->kind->name,
            res->name);
  resource_close(res);
}

void resources_orphan(Script *script) {
  for (Resource *r = script->rt->resources; r; r = r->next)
    if (r->owner == script && !timer_active(&r->grace) && resource_orphaned(r))
      timer_start(script->rt->loop, &r->grace, script->rt->options.grace);
}

/* --- attaching -------------------------------------------------------------------- */

static Resource *find_target(Declaration *decl) {
  const char *colon = strchr(decl->name, ':');
  Script *owner = script_find(decl->gen->rt, decl->name, (size_t)(colon - decl->name));
  return owner ? find(owner, decl->kind, colon + 1, strlen(colon + 1)) : NULL;
}

static void attach(Declaration *decl) {
  Resource *res = find_target(decl);
  if (res) {
    bind_to(decl, res);
    return;
  }
  unbind(decl);
  decl->next_bound = decl->gen->rt->pending;
  decl->gen->rt->pending = decl;
}

static void join(Declaration *decl) {
  if (decl->res && decl->kind->join && declaration_live(decl)) decl->kind->join(decl);
}

/* Something was opened: who waits for it? */
static void attach_pending(Runtime *rt) {
  for (Declaration *d = rt->pending, *next; d; d = next) {
    next = d->next_bound;
    Resource *res = find_target(d);
    if (!res) continue;
    bind_to(d, res);
    join(d);
  }
}

/* --- reconciling ------------------------------------------------------------------ */

static Resource *find_for(Declaration *decl) {
  return find(decl->gen->script, decl->kind, decl->name, strlen(decl->name));
}

static bool unchanged(const Resource *res, const Declaration *decl) {
  return !res->kind->same || res->kind->same(res->options, decl->options);
}

/* Takes back what opened: new resources are closed, reopened ones get their old options.
 */
static void undo(Generation *gen, Declaration *until) {
  Error err;
  for (Declaration *d = gen->decls; d != until; d = d->next) {
    Resource *res = d->opened || d->reopened ? find_for(d) : NULL;
    if (!res) continue;
    if (d->opened) {
      d->options = res->options;
      res->options = NULL;
      resource_close(res);
    } else if (d->beside) {
      undo_beside(d, res);
    } else if (reopen_after(res, d, &err) == 0 && res->kind->start) {
      res->kind->start(res);
    }
    d->opened = d->reopened = false;
  }
}

/* Opens or reopens what the declaration asks for. */
static int realise(Declaration *decl, Error *err) {
  Resource *res = find_for(decl);
  if (!res) return resource_open(decl, err) ? 0 : (int)err->code;
  if (prepare(res, decl, err) != 0) return (int)err->code;
  if (unchanged(res, decl)) return 0;
  int code = reopen_beside(res, decl, err);
  if (code == ERR_BUSY) code = reopen_after(res, decl, err);
  decl->reopened = code == 0;
  return code;
}

int resources_reconcile(Generation *gen, Error *err) {
  for (Declaration *d = gen->decls; d; d = d->next) {
    if (d->attached || realise(d, err) == 0) continue;
    undo(gen, d);
    return (int)err->code;
  }
  for (Declaration *d = gen->decls; d; d = d->next) {
    if (d->attached) {
      attach(d);
      continue;
    }
    Resource *res = find_for(d);
    timer_stop(gen->rt->loop, &res->grace);
    settle(d, res);
    bind_to(d, res);
  }
  attach_pending(gen->rt);
  return 0;
}

void resources_start(Generation *gen) {
  for (Declaration *d = gen->decls, *next; d; d = next) {
    next = d->next;
    bool fresh = d->opened || d->reopened;
    d->opened = d->reopened = false;
    if (fresh && d->res && d->kind->start) d->kind->start(d->res);
    join(d);
  }
}

/* --- declaring -------------------------------------------------------------------- */

/* Its resource was closed: the name may be declared again. */
static bool is_over(const Declaration *decl) {
  return decl->gen->state != GEN_STAGING && !decl->attached && !decl->res;
}

static void check_name(lua_State *L, Generation *gen, const ResourceKind *kind,
                       const char *name, bool attached) {
  const char *rest = name;
  if (attached) {
    const char *colon = strchr(name, ':');
    if (!colon) luaL_error(L, "attach takes \"script:name\", not \"%s\"", name);
    rest = colon + 1;
  }
  if (!name_valid(rest))
    luaL_error(L, "%s name \"%s\": a name is made of letters, digits, _ . - (64 at most)",
               kind->name, name);
  for (Declaration *d = gen->decls; d; d = d->next)
    if (d->kind == kind && strcmp(d->name, name) == 0 && !is_over(d))
      luaL_error(L, "%s \"%s\" is declared twice in this script", kind->name, name);
}

/* Checks the name protected, so that the options are not lost when it raises. */
static int f_check(lua_State *L) {
  check_name(L, generation_of(L), lua_touserdata(L, 1), lua_touserdata(L, 2),
             lua_toboolean(L, 3));
  return 0;
}

static bool checked(lua_State *L, const ResourceKind *kind, const char *name,
                    bool attached) {
  lua_pushcfunction(L, f_check);
  lua_pushlightuserdata(L, (void *)kind);
  lua_pushlightuserdata(L, (void *)name);
  lua_pushboolean(L, attached);
  return lua_pcall(L, 3, 0, 0) == LUA_OK;
}

/* The text on top, with where the script is. */
static int raise_here(lua_State *L) {
  luaL_where(L, 1);
  lua_insert(L, -2);
  lua_concat(L, 2);
  return lua_error(L);
}

const char *declared_name(lua_State *L, int arg) {
  size_t len;
  const char *name = luaL_checklstring(L, arg, &len);
  luaL_argcheck(L, strlen(name) == len, arg, "a name cannot hold a zero byte");
  return name;
}

/* A declaration of a script that runs: it takes effect at once. */
static int declare_live(Declaration *decl, Error *err) {
  if (realise(decl, err) != 0) return (int)err->code;
  Resource *res = find_for(decl);
  timer_stop(decl->gen->rt->loop, &res->grace);
  settle(decl, res);
  bool fresh = decl->opened || decl->reopened;
  bind_to(decl, res);
  attach_pending(decl->gen->rt);
  decl->opened = decl->reopened = false;
  if (fresh && res->kind->start) res->kind->start(res);
  join(decl);
  return 0;
}

static void take_back(Declaration *decl) {
  Declaration **at = &decl->gen->decls;
  while (*at != decl) at = &(*at)->next;
  *at = decl->next;
  if (!*at) decl->gen->last_decl = at;
  declaration_free(decl);
}

Declaration *declare(lua_State *L, const ResourceKind *kind, const char *name,
                     void *options, Error *err) {
  return declare_with(L, kind, name, options, NULL, 0, err);
}

Declaration *declare_with(lua_State *L, const ResourceKind *kind, const char *name,
                          void *options, const int *functions, int count, Error *err) {
  Generation *gen = generation_of(L);
  if (!checked(L, kind, name, false)) {
    free_options(kind, options);
    for (int i = 0; i < count; i++) luaL_unref(L, LUA_REGISTRYINDEX, functions[i]);
    raise_here(L);
  }
  Declaration *decl = declaration_new(gen, kind, name, options);
  for (int i = 0; i < count; i++) decl->functions[i] = functions[i];
  if (gen->state == GEN_STAGING || declare_live(decl, err) == 0) return decl;
  take_back(decl);
  return NULL;
}

Declaration *declare_attached(lua_State *L, const ResourceKind *kind,
                              const char *target) {
  Generation *gen = generation_of(L);
  if (!checked(L, kind, target, true)) raise_here(L);
  Declaration *decl = declaration_new(gen, kind, target, NULL);
  decl->attached = true;
  if (gen->state == GEN_STAGING) return decl;
  attach(decl);
  join(decl);
  return decl;
}
