/* See rate.h. decl->extra of a new declaration holds the Handover between prepare and
 * join. */
#include "resource/rate.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/pack.h"
#include "vm/call.h"

/* A function of a declaration, and the packed values that go in and come out. */
typedef struct Hop {
  const Declaration *decl;
  int function;
  const Buffer *in; /* NULL: `flag` is the argument */
  bool flag;
  Buffer *out; /* NULL: no result */
} Hop;

/* What cannot be packed leaves the buffer empty. */
static int f_hop(lua_State *L) {
  const Hop *hop = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, hop->decl->functions[hop->function]);
  const char *at = hop->in ? buffer_text((Buffer *)hop->in) : NULL;
  if (hop->in) unpack_value(L, &at);
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

/* What the old generation handed over. */
typedef struct Handover {
  Buffer data;
  bool whole; /* with the arguments of the call that is pending, if one is */
} Handover;

static void drop_handover(Declaration *decl) {
  Handover *handover = decl->extra;
  if (!handover) return;
  buffer_free(&handover->data);
  free(handover);
  decl->extra = NULL;
}

/* Arguments that are not plain data are left out. */
static int prepare_rate(Resource *res, Declaration *decl, Error *err) {
  const Declaration *before = find_before(res, decl);
  if (!before) return 0;
  drop_handover(decl);
  Handover *handover = decl->extra = xcalloc(1, sizeof *handover);
  Hop hop = {before, RATE_SNAPSHOT, .flag = true, .out = &handover->data};
  if (!call_declared(hop, err)) return (int)err->code;
  handover->whole = handover->data.len > 0;
  hop.flag = false;
  if (!handover->whole && !call_declared(hop, err)) return (int)err->code;
  return 0;
}

/* All older ones hear of it: of three generations the first may still wait. */
static void tell_before(const Declaration *decl, Hop hop) {
  for (hop.decl = decl->next_bound; hop.decl; hop.decl = hop.decl->next_bound)
    call_declared(hop, NULL);
}

static void join_rate(Declaration *decl) {
  Handover *handover = decl->extra;
  if (!handover) return;
  tell_before(decl, (Hop){.function = RATE_MOVED, .flag = handover->whole});
  if (handover->data.len)
    call_declared((Hop){decl, RATE_ADOPT, .in = &handover->data}, NULL);
  drop_handover(decl);
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
                                .drop = drop_handover};
