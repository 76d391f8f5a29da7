/* See rate.h. decl->extra is the declaration's Limiter; NULL while it is being declared.
 */
#include "resource/rate.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/pack.h"
#include "vm/call.h"

/* A function of a declaration, and the packed values that go in and come out. */
typedef struct Hop {
  const Declaration *decl;
  int function;
  const Buffer *in; /* NULL: `count` is the argument, or, where that is 0, `flag` */
  int64_t count;
  bool flag;
  Buffer *out; /* NULL: no result */
} Hop;

/* What cannot be packed leaves the buffer empty. */
static int f_hop(lua_State *L) {
  const Hop *hop = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, hop->decl->functions[hop->function]);
  const char *at = hop->in ? buffer_text((Buffer *)hop->in) : NULL;
  if (hop->in) unpack_value(L, &at);
  else if (hop->count) lua_pushinteger(L, hop->count);
  else lua_pushboolean(L, hop->flag);
  lua_call(L, 1, hop->out ? 1 : 0);
  Error err;
  if (hop->out && pack_value(L, -1, hop->out, &err) != 0) buffer_free(hop->out);
  return 0;
}

static bool call_declared(Hop hop, Error *err) {
  return vm_call(hop.decl->vm, "the limiter", hop.decl->name, f_hop, &hop, err);
}

/* The declaration of the generation that is to be replaced; NULL: there is none. */
static Declaration *find_before(const Resource *res, const Declaration *fresh) {
  for (Declaration *d = res->decls; d; d = d->next_bound)
    if (d != fresh && d->vm == fresh->vm->owner->current) return d;
  return NULL;
}

typedef struct Limiter {
  char *what; /* owned */
  /* Between prepare and join: what the old generation hands over. */
  bool follows; /* there is an old generation */
  bool whole;   /* with the arguments of the call that is pending, if one is */
  Buffer data;
  int64_t owed; /* what its tasks hold of the newer generation's */
} Limiter;

void rate_describe(Declaration *decl, const char *what) {
  Limiter *limiter = decl->extra = xcalloc(1, sizeof *limiter);
  limiter->what = xstrdup(what);
}

static void drop_limiter(Declaration *decl) {
  Limiter *limiter = decl->extra;
  if (!limiter) return;
  buffer_free(&limiter->data);
  free(limiter->what);
  free(limiter);
  decl->extra = NULL;
}

static bool are_alike(const Declaration *a, const Declaration *b) {
  return strcmp(((Limiter *)a->extra)->what, ((Limiter *)b->extra)->what) == 0;
}

/* Arguments that are not plain data are left out. What raises is logged by the call, and
 * keeps no new version from beginning. */
static int prepare_rate(Resource *res, Declaration *decl, Error *err) {
  (void)err;
  const Declaration *before = find_before(res, decl);
  if (!before) return 0;
  Limiter *limiter = decl->extra;
  buffer_free(&limiter->data);
  limiter->follows = true;
  limiter->whole = false;
  if (!are_alike(before, decl)) return 0;
  Hop hop = {before, RATE_SNAPSHOT, .flag = true, .out = &limiter->data};
  if (!call_declared(hop, NULL)) return 0;
  limiter->whole = limiter->data.len > 0;
  hop.flag = false;
  if (!limiter->whole) call_declared(hop, NULL);
  return 0;
}

/* All older ones hear of it: of three generations the first may still wait. */
static void tell_before(const Declaration *decl, Hop hop) {
  for (hop.decl = decl->next_bound; hop.decl; hop.decl = hop.decl->next_bound)
    call_declared(hop, NULL);
}

static void join_rate(Declaration *decl) {
  Limiter *limiter = decl->extra;
  if (!limiter || !limiter->follows) return;
  tell_before(decl, (Hop){.function = RATE_MOVED, .flag = limiter->whole});
  if (limiter->data.len)
    call_declared((Hop){decl, RATE_ADOPT, .in = &limiter->data}, NULL);
  buffer_free(&limiter->data);
  limiter->follows = false;
}

/* The generation that has the limiter now; NULL: this one has, or none. */
static const Declaration *find_heir(const Declaration *decl) {
  const Vm *current = decl->vm->owner->current;
  if (!decl->res || decl->vm == current || decl->vm->host->stopping) return NULL;
  for (const Declaration *d = decl->res->decls; d; d = d->next_bound)
    if (d->vm == current && d->vm->L) return d;
  return NULL;
}

static void give_back(const Declaration *decl, int64_t count) {
  Limiter *limiter = decl->extra;
  const Declaration *heir = find_heir(decl);
  if (!limiter || limiter->owed < count || count <= 0) return;
  limiter->owed -= count;
  if (heir)
    call_declared((Hop){.decl = heir, .function = RATE_SETTLED, .count = count}, NULL);
}

void rate_owe(const Declaration *decl, int64_t count) {
  ((Limiter *)decl->extra)->owed = count;
}

void rate_release(const Declaration *decl) {
  give_back(decl, 1);
}

/* Its tasks are gone, and none of them gives back what it holds. */
static void leave_rate(Declaration *decl) {
  const Limiter *limiter = decl->extra;
  if (limiter) give_back(decl, limiter->owed);
}

bool rate_settle(lua_State *L, Declaration *decl, int index) {
  Buffer outcome = {0};
  Error err;
  bool plain = pack_value(L, index, &outcome, &err) == 0;
  if (plain && decl->res)
    tell_before(decl, (Hop){.function = RATE_SETTLED, .in = &outcome});
  buffer_free(&outcome);
  return plain;
}

/* --- the resource ----------------------------------------------------------------- */

static int open_rate(Resource *res, Error *err) {
  (void)err;
  res->object = res; /* it has nothing of its own, and is not lost */
  return 0;
}

static void close_rate(Resource *res) {
  res->object = NULL;
}

static bool rate_alive(const Resource *res) {
  (void)res;
  return false; /* the tasks that wait in it hold the process */
}

const ResourceKind rate_kind = {.name = "limiter",
                                .open = open_rate,
                                .close = close_rate,
                                .alive = rate_alive,
                                .prepare = prepare_rate,
                                .join = join_rate,
                                .leave = leave_rate,
                                .drop = drop_limiter};
