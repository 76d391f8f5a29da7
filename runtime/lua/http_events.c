/* tidelock.http.events_core: streams that are declared (http_event_source.c), and the
 * reader of a loop over events. stdlib/http/events.lua
 * opens its streams, one after the other. At a swap of generations the task that is in a
 * step of the loop is cut, wherever it waits: the loop goes on in no other generation. */
#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/box.h"
#include "bridge/luaerror.h"
#include "bridge/luaevent.h"
#include "lua/http_event_source.h"
#include "lua/http_stream.h"
#include "lua/modules.h"
#include "net/event_reader.h"
#include "vm/task_error.h"
#include "vm/task_life.h"
#include "vm/task_wait.h"
#include "vm/vm_timer.h"

/* Owned by its box. */
typedef struct Steps {
  EventReader *reader;
  Wait wait;
  Task *task;   /* waits for an event; NULL: none does */
  Task *held;   /* a reference: is in a step that waits for other things; NULL: none */
  VmTimer live; /* in the Vm's list while `listed` */
  bool listed, gap;
} Steps;

/* --- the swap --------------------------------------------------------------------- */

static void start_listening(VmTimer *live) {
  (void)live;
}

static void on_swap(VmTimer *live) {
  Steps *s = CONTAINER_OF(live, Steps, live);
  s->listed = false;
  if (s->task) task_cut(s->task);
  else if (s->held) task_cut(s->held);
}

static void listen_to_swap(Steps *s, Vm *vm) {
  if (!s->listed) vm_timer_add(vm, &s->live);
  s->listed = true;
}

static void forget_swap(Steps *s) {
  if (s->listed) vm_timer_remove(&s->live);
  s->listed = false;
}

static void let_task_go(Steps *s) {
  forget_swap(s);
  if (s->held) task_unref(s->held);
  s->held = NULL;
}

/* A task that was elsewhere at the swap is cut when it comes back to the loop. */
static int raise_replaced(lua_State *L) {
  task_cut(task_waiter(L, "http.events"));
  return task_push_cancelled(L, NULL);
}

/* --- the box ---------------------------------------------------------------------- */

static int push_closed(lua_State *L, void *ctx) {
  (void)ctx;
  Error err = {0};
  error_set(&err, ERR_ABORTED, "the loop over events was closed while it waited");
  return luaerror_return(L, &err);
}

static void release_steps(Box *box) {
  Steps *s = box->object;
  if (s->task) task_wake_later(s->task, push_closed, NULL);
  let_task_go(s);
  event_reader_free(s->reader);
  free(s);
}

static const BoxKind reader_box = {"event reader", release_steps};

static void cancel_next(Wait *wait) {
  Steps *s = CONTAINER_OF(wait, Steps, wait);
  s->task = NULL;
  forget_swap(s);
  event_reader_close(s->reader);
}

/* reader(max_event, last_id | nil) → box; nil: no stream can have sent this id */
static int f_reader(lua_State *L) {
  size_t limit = (size_t)luaL_checkinteger(L, 1), len = 0;
  const char *id = luaL_optlstring(L, 2, "", &len);
  Box *box = box_new(L, &reader_box);
  Steps *s = xcalloc(1, sizeof *s);
  s->wait.cancel = cancel_next;
  s->live = (VmTimer){.start = start_listening, .stop = on_swap};
  s->reader = event_reader_new(limit, vm_of(L)->owner->charge);
  box->object = s;
  if (!eventstream_seed(event_reader_stream(s->reader), id, len)) lua_pushnil(L);
  return 1;
}

static Steps *check_steps(lua_State *L) {
  return box_check(L, 1, &reader_box);
}

static int f_close(lua_State *L) {
  box_release(box_to(L, 1, &reader_box));
  return 0;
}

/* hold(reader): until release() its task is cut at a swap, whatever it waits for */
static int f_hold(lua_State *L) {
  Steps *s = check_steps(L);
  Vm *vm = vm_of(L);
  if (vm->state != VM_LIVE) return raise_replaced(L);
  let_task_go(s);
  s->held = task_waiter(L, "http.events");
  task_ref(s->held);
  listen_to_swap(s, vm);
  return 0;
}

static int f_release(lua_State *L) {
  const Box *box = box_to(L, 1, &reader_box);
  if (box->object) let_task_go(box->object);
  return 0;
}

/* --- events ----------------------------------------------------------------------- */

static int push_news(lua_State *L, void *ctx);

/* Pushes what there is; 0: it has to be waited for. */
static int push_next(lua_State *L, Steps *s) {
  StreamEvent event;
  switch (event_reader_next(s->reader, &event)) {
  case EVENTS_LATER:
    return 0;
  case EVENTS_EVENT:
    luaevent_push(L, &event, s->gap);
    s->gap = false;
    return 1;
  case EVENTS_END:
    lua_pushnil(L);
    return 1;
  case EVENTS_FAILED:
    break;
  }
  return luaerror_return(L, event_reader_failure(s->reader));
}

static void on_more(void *ctx) {
  Steps *s = ctx;
  if (s->task) task_wake(s->task, push_news, s);
}

/* What came may have been comments alone: then the task asks again. */
static int push_news(lua_State *L, void *ctx) {
  Steps *s = ctx;
  s->task = NULL;
  forget_swap(s);
  int count = push_next(L, s);
  if (count) return count;
  lua_pushboolean(L, false);
  return 1;
}

/* next(reader) → event | nil at the end | nil, err | false: nothing yet. Waits. */
static int f_next(lua_State *L) {
  Steps *s = check_steps(L);
  if (vm_of(L)->state != VM_LIVE) return raise_replaced(L);
  if (s->task) return luaL_error(L, "another task reads these events");
  int count = push_next(L, s);
  if (count) return count;
  s->task = task_waiter(L, "http.events");
  listen_to_swap(s, vm_of(L));
  return task_wait(L, s->task, &s->wait);
}

/* open(reader, stream | text, gap): the body that goes on; `gap`: its first event has
 * that mark */
static int f_open(lua_State *L) {
  Steps *s = check_steps(L);
  if (lua_type(L, 2) == LUA_TSTRING) {
    size_t len;
    const char *text = lua_tolstring(L, 2, &len);
    event_reader_open_text(s->reader, text, len);
  } else {
    HttpRequest *http = http_stream_take(L, 2);
    if (http) event_reader_open(s->reader, http, on_more, s);
  }
  s->gap = s->gap || lua_toboolean(L, 3);
  return 0;
}

/* place(reader) → the last id, what the server named as the time to reconnect | nil */
static int f_place(lua_State *L) {
  size_t len;
  EventStream *stream = event_reader_stream(check_steps(L)->reader);
  const char *id = eventstream_last_id(stream, &len);
  double retry = eventstream_retry(stream);
  lua_pushlstring(L, id, len);
  if (retry < 0) lua_pushnil(L);
  else lua_pushnumber(L, retry);
  return 2;
}

int luaopen_tidelock_http_events_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"reader", f_reader},
                                       {"close", f_close},
                                       {"hold", f_hold},
                                       {"release", f_release},
                                       {"next", f_next},
                                       {"open", f_open},
                                       {"place", f_place},
                                       {"declare", event_source_declare},
                                       {"adopt", event_source_take},
                                       {"note", event_source_keep},
                                       {"on_last", event_source_on_last},
                                       {"last_id", event_source_last_id},
                                       {NULL, NULL}},
                        none[] = {{NULL, NULL}};
  box_class(L, &reader_box, none, NULL);
  event_source_class(L);
  luaL_newlib(L, functions);
  return 1;
}
