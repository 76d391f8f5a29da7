/* Subscriptions. A path is looked up in C, and Lua is not called when it gives the same
 * node or scalar as before. What a selector gave last is kept in the generation's
 * registry.
 *
 * "The same" is: what `equals` says; else scalars raw, NaN the same as NaN; views by the
 * node they show; plain tables when their items are the same, one level deep. */
#include "resource/subscribe.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/box.h"
#include "vm/call.h"
#include "vm/hold.h"
#include "bridge/view.h"

struct Subscription {
  Subscription *next, **at;
  Subscription *next_removed;
  Subscriptions *list;
  char store[32];   /* its name, for reports */
  ValueStep *steps; /* the path, when the selector is one; keys owned */
  size_t step_count;
  int selector, handler, equals; /* references; selector LUA_NOREF: a path */
  int last;   /* reference of what the selector gave; of plain ones none */
  Value seen; /* of a path: the same, in C; owned */
  bool has_baseline, immediate, removed;
  Box *box;
  Charge *charge; /* its script's; a reference */
};

/* --- life ------------------------------------------------------------------------- */

static void release_handle(Box *box) {
  ((Subscription *)box->object)->box = NULL; /* only off ends it */
}

static const BoxKind handle_kind = {"subscription", release_handle};

static void free_subscription(Subscription *s, lua_State *L) {
  if (s->box) s->box->object = NULL;
  int refs[] = {s->selector, s->handler, s->equals, s->last};
  for (size_t i = 0; i < COUNT_OF(refs); i++) luaL_unref(L, LUA_REGISTRYINDEX, refs[i]);
  for (size_t i = 0; i < s->step_count; i++) free((char *)s->steps[i].key);
  free(s->steps);
  value_release(s->seen);
  charge_let_go(s->charge, sizeof *s);
  free(s);
}

static void unlink_removed(Subscriptions *list, lua_State *L) {
  while (list->removed) {
    Subscription *s = list->removed;
    list->removed = s->next_removed;
    *s->at = s->next;
    if (s->next) s->next->at = s->at;
    else list->last = s->at;
    if (list->fresh == s) list->fresh = s->next;
    free_subscription(s, L);
  }
}

static void mark_removed(Subscription *s) {
  if (s->removed) return;
  s->removed = true;
  s->next_removed = s->list->removed;
  s->list->removed = s;
}

void subscriptions_free(Vm *vm, Subscriptions *list) {
  for (Subscription *s = list->first; s; s = s->next) mark_removed(s);
  unlink_removed(list, vm->L);
}

static int f_off(lua_State *L) {
  need_pure(L, "removing a subscriber");
  Box *box = box_to(L, 1, &handle_kind);
  Subscription *s = box->object;
  box_release(box);
  if (!s) return 0;
  Subscriptions *list = s->list;
  mark_removed(s);
  if (list->depth == 0) unlink_removed(list, vm_of(L)->L);
  return 0;
}

/* --- selectors -------------------------------------------------------------------- */

static ValueStep read_step(lua_State *L, int index) {
  ValueStep step = {0};
  if (lua_isinteger(L, index)) {
    lua_Integer i = lua_tointeger(L, index);
    if (i >= 1) step.index = (size_t)i - 1;
    else step.index = SIZE_MAX;
    return step;
  }
  const char *key = lua_tolstring(L, index, &step.key_len);
  step.key = xstrndup(key, step.key_len);
  return step;
}

/* Checked before anything is allocated: a key, or a list of keys. */
static void check_path(lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TSTRING) return;
  luaL_checktype(L, index, LUA_TTABLE);
  int n = (int)lua_rawlen(L, index);
  luaL_argcheck(L, n > 0 && n <= VALUE_DEPTH, index, "a path is a list of keys");
  for (int i = 1; i <= n; i++) {
    int type = lua_rawgeti(L, index, i);
    luaL_argcheck(L, type == LUA_TSTRING || lua_isinteger(L, -1), index,
                  "the keys of a path are strings or indexes");
    lua_pop(L, 1);
  }
}

static void read_path(lua_State *L, int index, Subscription *s) {
  bool one = lua_type(L, index) == LUA_TSTRING;
  s->step_count = one ? 1 : lua_rawlen(L, index);
  s->steps = xcalloc(s->step_count, sizeof *s->steps);
  for (size_t i = 0; i < s->step_count; i++) {
    if (one) lua_pushvalue(L, index);
    else lua_rawgeti(L, index, (lua_Integer)i + 1);
    s->steps[i] = read_step(L, -1);
    lua_pop(L, 1);
  }
}

static int reference_value(lua_State *L, int index) {
  if (index == 0) return LUA_NOREF;
  lua_pushvalue(L, index);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

Subscription *subscription_new(lua_State *L, Subscriptions *list, const char *store,
                               int selector, int handler, int equals) {
  static const luaL_Reg methods[] = {{"off", f_off}, {NULL, NULL}};
  bool function = selector && lua_isfunction(L, selector);
  if (selector && !function) check_path(L, selector);
  need_memory(L, sizeof(Subscription));
  box_class(L, &handle_kind, methods, NULL);
  Box *box = box_new(L, &handle_kind);
  int by = reference_value(L, function ? selector : 0), to = reference_value(L, handler);
  int eq = reference_value(L, equals);
  Subscription *s = xcalloc(1, sizeof *s);
  *s = (Subscription){.list = list,
                      .selector = by,
                      .handler = to,
                      .equals = eq,
                      .last = LUA_NOREF,
                      .charge = vm_hold(L, sizeof *s),
                      .box = box};
  strncpy(s->store, store, sizeof s->store - 1);
  box->object = s;
  if (selector && !function) read_path(L, selector, s);
  s->at = list->last ? list->last : &list->first;
  *s->at = s;
  list->last = &s->next;
  if (!list->fresh) list->fresh = s;
  return s;
}

void subscription_set_immediate(Subscription *s, bool immediate) {
  s->immediate = immediate;
}

/* Pushes what the selector gives. */
static void push_selected(lua_State *L, const Subscription *s, Value root) {
  if (s->selector == LUA_NOREF) {
    view_push(L, value_get(root, s->steps, s->step_count));
    return;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->selector);
  view_push(L, root);
  lua_call(L, 1, 1);
}

/* A path whose values are compared in C: it has no `last`. */
static bool is_plain(const Subscription *s) {
  return s->selector == LUA_NOREF && s->equals == LUA_NOREF;
}

static void see_value(Subscription *s, Value now) {
  Value gone = s->seen;
  s->seen = value_retain(now);
  value_release(gone);
}

/* Keeps the value on top as what was seen last; pops it. */
static void keep_last(lua_State *L, Subscription *s, Value root) {
  int old = s->last;
  s->last = luaL_ref(L, LUA_REGISTRYINDEX);
  luaL_unref(L, LUA_REGISTRYINDEX, old);
  s->has_baseline = true;
  if (s->selector == LUA_NOREF) see_value(s, value_get(root, s->steps, s->step_count));
}

/* --- comparing -------------------------------------------------------------------- */

static bool same_item(lua_State *L, int a, int b) {
  if (lua_type(L, a) == LUA_TNUMBER && lua_type(L, b) == LUA_TNUMBER) {
    double x = lua_tonumber(L, a), y = lua_tonumber(L, b);
    if (x != x && y != y) return true;
  }
  return lua_compare(L, a, b, LUA_OPEQ);
}

/* Every item of table a is the same in b. */
static bool covers_path(lua_State *L, int a, int b) {
  for (lua_pushnil(L); lua_next(L, a); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_rawget(L, b);
    bool same = same_item(L, lua_gettop(L) - 1, lua_gettop(L));
    lua_pop(L, 1);
    if (same) continue;
    lua_pop(L, 2);
    return false;
  }
  return true;
}

static bool same_value(lua_State *L, const Subscription *s, int a, int b) {
  if (s->equals != LUA_NOREF) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->equals);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    lua_call(L, 2, 1);
    bool same = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return same;
  }
  if (lua_istable(L, a) && lua_istable(L, b))
    return covers_path(L, a, b) && covers_path(L, b, a);
  return same_item(L, a, b);
}

/* --- notifying ---------------------------------------------------------------------- */

typedef struct Notification {
  Subscription *s;
  Value root;
  bool changed;
  int old; /* reference of what was seen before, when it changed */
} Notification;

static int f_select(lua_State *L) {
  Notification *t = lua_touserdata(L, 1);
  Subscription *s = t->s;
  lua_settop(L, 0);
  luaL_checkstack(L, 10, "selector");
  push_selected(L, s, t->root);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->last);
  if (same_value(L, s, 1, 2)) return 0;
  t->old = s->last;
  s->last = LUA_NOREF;
  lua_settop(L, 1);
  keep_last(L, s, t->root);
  t->changed = true;
  return 0;
}

static int push_notification(lua_State *L, void *ctx) {
  Notification *t = ctx;
  lua_rawgeti(L, LUA_REGISTRYINDEX, t->s->handler);
  if (is_plain(t->s)) view_push(L, t->s->seen);
  else lua_rawgeti(L, LUA_REGISTRYINDEX, t->s->last);
  lua_rawgeti(L, LUA_REGISTRYINDEX, t->old);
  return 2;
}

static void run_handler(Vm *vm, Notification *t) {
  task_start(vm, TASK_NAME("the subscriber of", t->s->store), push_notification, t, NULL,
             NULL);
  luaL_unref(vm->L, LUA_REGISTRYINDEX, t->old);
}

/* A selector or a comparison in Lua. */
static void notify_by_lua(Vm *vm, Subscription *s, Value root) {
  Notification t = {.s = s, .root = root, .old = LUA_NOREF};
  if (vm_call(vm, "a selector", s->store, f_select, &t, NULL) && t.changed)
    run_handler(vm, &t);
}

/* --- of paths: without a call of their own to compare ------------------------------- */

typedef struct Round {
  Vm *vm;
  Subscription *at; /* the next to look at; NULL: none */
  Value root, now;  /* now: what `at` gives, once it is found */
} Round;

static bool is_asked(const Round *r, const Subscription *s) {
  return !s->removed && s->has_baseline && !hold_skips(r->vm);
}

/* Goes on to the next one whose value has changed, if it can be compared here; false: it
 * stands at one that cannot, or at the end. */
static bool find_changed(Round *r) {
  for (; r->at; r->at = r->at->next) {
    const Subscription *s = r->at;
    if (!is_asked(r, s)) continue;
    if (s->selector != LUA_NOREF) return false;
    r->now = value_get(r->root, s->steps, s->step_count);
    if (value_same(r->now, s->seen)) continue;
    return s->equals == LUA_NOREF;
  }
  return false;
}

static int push_changed(lua_State *L, void *ctx) {
  Round *r = ctx;
  if (!find_changed(r)) return -1;
  Subscription *s = r->at;
  r->at = s->next;
  luaL_checkstack(L, 6, NULL);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->handler);
  view_push(L, r->now);
  view_push(L, s->seen);
  see_value(s, r->now);
  return 2;
}

/* One that is removed is unlinked after the round: so `next` of each stays. */
static void notify_round(Round *r) {
  while (r->at) {
    if (find_changed(r)) {
      const Subscription *s = r->at;
      task_start_each(r->vm, TASK_NAME("the subscriber of", s->store), push_changed, r);
      if (r->at == s) r->at = s->next; /* there was no memory for a task */
    } else if (r->at) {
      notify_by_lua(r->vm, r->at, r->root);
      r->at = r->at->next;
    }
  }
}

void subscriptions_notify(Vm *vm, Subscriptions *list, Value root) {
  Round round = {.vm = vm, .at = list->first, .root = root};
  list->depth++;
  notify_round(&round);
  if (--list->depth == 0) unlink_removed(list, vm->L);
}

static int f_baseline(lua_State *L) {
  Notification *t = lua_touserdata(L, 1);
  push_selected(L, t->s, t->root);
  keep_last(L, t->s, t->root);
  return 0;
}

static bool begin_seeing(Vm *vm, Notification *t) {
  Subscription *s = t->s;
  if (!is_plain(s)) return vm_call(vm, "a selector", s->store, f_baseline, t, NULL);
  see_value(s, value_get(t->root, s->steps, s->step_count));
  return true;
}

void subscriptions_baseline(Vm *vm, Subscriptions *list, Value root) {
  list->depth++;
  while (list->fresh) {
    Subscription *s = list->fresh;
    list->fresh = s->next;
    if (s->has_baseline || s->removed) continue;
    Notification t = {.s = s, .root = root, .old = LUA_REFNIL};
    bool ok = begin_seeing(vm, &t);
    s->has_baseline = true; /* a selector that failed has seen nil */
    if (ok && s->immediate) run_handler(vm, &t);
  }
  if (--list->depth == 0) unlink_removed(list, vm->L);
}
