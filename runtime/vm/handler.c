/* Handlers. A handler may remove itself or others, and register more, while a firing is
 * under way: removal only marks, the list is swept when no firing is under way, and a
 * firing ends at the handler that was last when it began. */
#include "vm/handler.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/box.h"
#include "core/hash.h"
#include "vm/task_life.h"
#include "vm/task_parts.h"

typedef struct Queued Queued;
struct Queued {
  Queued *next;
  Task *task;
};

/* One event of a serial handler. Owned by its task. */
typedef struct SerialRun {
  Handler *handler;
  TaskDone *done; /* the firing's; NULL: none */
  void *done_ctx;
} SerialRun;

struct Handler {
  Handler *next, **at;
  Handler *next_removed;
  IndexNode node;
  HandlerList *list;
  char *event; /* NULL: any */
  size_t len;
  int function;
  int refs; /* the list's and that of each running serial task */
  bool once, serial, removed;
  bool running;  /* the task of an event */
  bool draining; /* run_next is on the C stack */
  Queued *queue, **last;
  Box *box;
  Charge *charge; /* its script's, for so many bytes; a reference */
  size_t bytes;
};

void handlers_init(HandlerList *list) {
  *list = (HandlerList){0};
  list->last = &list->first;
}

/* --- life ------------------------------------------------------------------------- */

static void unref_handler(Handler *h) {
  if (--h->refs > 0) return;
  while (h->queue) { /* their tasks are killed by their generation */
    Queued *q = h->queue;
    h->queue = q->next;
    task_unref(q->task);
    free(q);
  }
  charge_let_go(h->charge, h->bytes);
  free(h->event);
  free(h);
}

static void drop_handler(Handler *h, lua_State *L) {
  if (h->box) h->box->object = NULL;
  luaL_unref(L, LUA_REGISTRYINDEX, h->function);
  h->function = LUA_NOREF;
  h->list = NULL;
  unref_handler(h);
}

static void unlink_handler(HandlerList *list, Handler *h) {
  *h->at = h->next;
  if (h->next) h->next->at = h->at;
  else list->last = h->at;
  if (h->event) index_remove(&list->events, &h->node);
  else list->any--;
}

static void sweep_removed(HandlerList *list, lua_State *L) {
  while (list->removed) {
    Handler *h = list->removed;
    list->removed = h->next_removed;
    unlink_handler(list, h);
    drop_handler(h, L);
  }
}

/* The handler is unlinked once no firing is under way. */
static void mark_removed(Handler *h) {
  if (h->removed) return;
  h->removed = true;
  h->next_removed = h->list->removed;
  h->list->removed = h;
}

static void remove_now(Handler *h, lua_State *L) {
  HandlerList *list = h->list;
  mark_removed(h);
  if (list->depth == 0) sweep_removed(list, L);
}

void handlers_free(HandlerList *list, lua_State *L) {
  while (list->first) {
    Handler *h = list->first;
    list->first = h->next;
    drop_handler(h, L);
  }
  index_free(&list->events);
  handlers_init(list);
}

/* --- registering ------------------------------------------------------------------ */

static void release_handle(Box *box) {
  ((Handler *)box->object)->box = NULL; /* the handler stays: only off removes it */
}

static const BoxKind handle_kind = {"handler", release_handle};

static int f_off(lua_State *L) {
  need_pure(L, "removing a handler");
  Box *box = box_to(L, 1, &handle_kind);
  Handler *h = box->object;
  box_release(box);
  if (h && !h->removed) remove_now(h, vm_of(L)->L);
  return 0;
}

static uint64_t hash_event(const char *event, size_t len) {
  return hash_bytes(HASH_START, event, len);
}

static void insert_handler(HandlerList *list, Handler *h, bool first) {
  Handler **at = first ? &list->first : list->last;
  h->next = *at;
  h->at = at;
  *at = h;
  if (h->next) h->next->at = &h->next;
  if (list->last == at) list->last = &h->next;
  if (h->event) index_add(&list->events, &h->node, hash_event(h->event, h->len));
  else list->any++;
}

void handler_add(lua_State *L, HandlerList *list, int index, HandlerOptions options) {
  static const luaL_Reg methods[] = {{"off", f_off}, {NULL, NULL}};
  luaL_checktype(L, index, LUA_TFUNCTION);
  need_pure(L, "adding a handler");
  index = lua_absindex(L, index);
  box_class(L, &handle_kind, methods, NULL);
  Box *box = box_new(L, &handle_kind);
  size_t bytes = sizeof(Handler) + options.len;
  need_memory(L, bytes);
  lua_pushvalue(L, index);
  int function = luaL_ref(L, LUA_REGISTRYINDEX);
  Handler *h = xcalloc(1, sizeof *h);
  h->list = list;
  h->last = &h->queue;
  h->function = function;
  h->refs = 1;
  h->charge = vm_hold(L, bytes);
  h->bytes = bytes;
  h->once = options.once;
  h->serial = options.serial;
  h->box = box;
  if (options.event) {
    h->event = xstrndup(options.event, options.len);
    h->len = options.len;
  }
  box->object = h;
  insert_handler(list, h, options.first);
}

static bool matches_event(const Handler *h, const char *event, size_t len) {
  if (!h->event || !event) return !h->event && !event;
  return h->len == len && memcmp(h->event, event, len) == 0;
}

static bool is_function(lua_State *L, const Handler *h, int index) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, h->function);
  bool same = lua_rawequal(L, -1, index);
  lua_pop(L, 1);
  return same;
}

/* The next handler for this event (NULL: for any) after h; NULL h: the first. */
static Handler *next_of(const HandlerList *list, const Handler *h, const char *event,
                        size_t len) {
  if (!event) {
    Handler *next = h ? h->next : list->first;
    while (next && next->event) next = next->next;
    return next;
  }
  IndexNode *node =
      h ? index_next(&h->node) : index_first(&list->events, hash_event(event, len));
  while (node && !matches_event(CONTAINER_OF(node, Handler, node), event, len))
    node = index_next(node);
  return node ? CONTAINER_OF(node, Handler, node) : NULL;
}

int handler_remove(lua_State *L, HandlerList *list, const char *event, size_t len,
                   int index) {
  int count = 0;
  list->depth++;
  for (Handler *h = NULL; (h = next_of(list, h, event, len));) {
    if (h->removed || (index && !is_function(L, h, index))) continue;
    mark_removed(h);
    count++;
  }
  if (--list->depth == 0) sweep_removed(list, L);
  return count;
}

/* Handlers removed during a firing are still in the list. */
static bool has_handler(const HandlerList *list, const char *event, size_t len) {
  Handler *h = NULL;
  while ((h = next_of(list, h, event, len)))
    if (!h->removed) return true;
  return false;
}

bool handlers_want(const HandlerList *list, const char *event, size_t len) {
  return (list->any && has_handler(list, NULL, 0)) ||
         (event && has_handler(list, event, len));
}

/* --- firing ----------------------------------------------------------------------- */

typedef struct Run {
  Handler *handler;
  const Firing *firing;
} Run;

static int push_call(lua_State *L, void *ctx) {
  const Handler *h = ((Run *)ctx)->handler;
  const Firing *firing = ((Run *)ctx)->firing;
  if (firing->through) lua_pushcfunction(L, firing->through);
  lua_rawgeti(L, LUA_REGISTRYINDEX, h->function);
  int n = firing->push(L, firing->ctx);
  return n >= 0 && firing->through ? n + 1 : n;
}

static void serial_done(void *ctx, lua_State *co, int n, TaskOutcome outcome);

/* Tasks that end without waiting run in this loop, not each inside the end of the last.
 */
static void run_next(Handler *h) {
  if (h->draining) return;
  h->draining = true;
  h->refs++;
  while (!h->running && h->queue) {
    Queued *q = h->queue;
    Task *task = q->task;
    h->queue = q->next;
    if (!h->queue) h->last = &h->queue;
    free(q);
    if (!task->finished) {
      h->running = true;
      task_run_prepared(task);
    }
    task_unref(task);
  }
  h->draining = false;
  unref_handler(h);
}

static void serial_done(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  SerialRun run = *(SerialRun *)ctx;
  Handler *h = run.handler;
  free(ctx);
  h->running = false;
  if (run.done) run.done(run.done_ctx, co, n, outcome);
  if (co) run_next(h); /* else nothing of it runs any more: what waits is killed */
  unref_handler(h);
}

static void *done_ctx_of(const Run *run) {
  const Firing *firing = run->firing;
  if (!firing->done || !firing->done_for) return firing->done_ctx;
  return firing->done_for(firing->ctx, run->handler->serial);
}

static void run_serial(Vm *vm, TaskName name, Run *run, void *done_ctx) {
  Handler *h = run->handler;
  const Firing *firing = run->firing;
  SerialRun *end = xmalloc(sizeof *end);
  *end = (SerialRun){h, firing->done, done_ctx};
  Task *task = task_prepare(vm, name, push_call, run, serial_done, end);
  if (!task) {
    free(end);
    if (firing->done) firing->done(done_ctx, NULL, 0, TASK_NOT_BEGUN);
    return;
  }
  h->refs++;
  task_ref(task);
  Queued *q = xcalloc(1, sizeof *q);
  q->task = task;
  *h->last = q;
  h->last = &q->next;
  run_next(h);
}

static void run_one(Vm *vm, Handler *h, const Firing *firing) {
  TaskName name = {"the handler of", firing->source, firing->event, firing->len};
  Run run = {h, firing};
  if (h->once) mark_removed(h);
  void *done_ctx = done_ctx_of(&run);
  if (h->serial) run_serial(vm, name, &run, done_ctx);
  else task_start(vm, name, push_call, &run, firing->done, done_ctx);
}

static bool should_run(const Handler *h, const Firing *f) {
  if (h->removed || (f->any && h->event)) return false;
  if (!f->any && !matches_event(h, f->event, f->len)) return false;
  return !h->once || !f->can_push || f->can_push(f->ctx);
}

int handlers_fire(Vm *vm, HandlerList *list, const Firing *firing) {
  int count = 0;
  Handler **end = list->last;
  if (firing->any ? !list->any : !has_handler(list, firing->event, firing->len)) return 0;
  list->depth++;
  for (Handler *h = list->first; h; h = h->next) {
    if (should_run(h, firing)) {
      run_one(vm, h, firing);
      count++;
    }
    if (&h->next == end) break;
  }
  if (--list->depth == 0) sweep_removed(list, vm->L);
  return count;
}
