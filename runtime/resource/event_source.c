/* See event_source.h. `step` is the one place where a stream goes on: it asks the
 * connector when there is no connection, and delivers events when there is one, as long
 * as not too many of their handlers run. What may end a wait calls `wake`, or step itself
 * in dispatch. The struct outlives the resource while handlers run or it is in the inbox.
 */
#include "resource/event_source.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/luaerror.h"
#include "bridge/luaevent.h"
#include "net/event_reader.h"
#include "resource/resource.h"
#include "vm/hold.h"

enum { MOST_TASKS = 1000, BATCH = 256 };

typedef struct Ask Ask;

typedef struct EventSource {
  Resource *res; /* NULL: closed */
  Loop *loop;
  EventReader *reader;
  Event wakes;
  Timer wait;       /* until it is asked again */
  Ask *ask;         /* the question under way; NULL: none */
  uint64_t asks;    /* the number of the last */
  int tasks;        /* of handlers; below 0 while their start is being counted */
  int number;       /* of attempts since the last event */
  const char *told; /* the last state that handlers were told */
  bool queued, firing, held;
  bool open, news; /* news: that it is open is to be told */
  bool opened;     /* it was before */
  bool lost;       /* it ended, and the connector has not been asked what then */
  bool gap;        /* of the next event */
  bool over;
  Error err; /* why it was lost */
} EventSource;

struct Ask {
  EventSource *source; /* NULL: it is not wanted any more */
  const Vm *vm;
  uint64_t number;
};

static void step(EventSource *s);

static void wake(EventSource *s) {
  if (s->queued) return;
  s->queued = true;
  inbox_push(s->loop, &s->wakes);
}

static void release_if_unused(EventSource *s) {
  if (s->res || s->queued || s->firing || s->tasks) return;
  free(s);
}

static void on_wake(Event *event) {
  EventSource *s = CONTAINER_OF(event, EventSource, wakes);
  s->queued = false;
  if (s->res) step(s);
  else release_if_unused(s);
}

/* The declaration whose generation hears now; NULL: none. */
static Declaration *find_owner(const EventSource *s) {
  Declaration *decl = s->res->decls;
  bool live = decl && !decl->attached && declaration_live(decl);
  return live && !decl->vm->host->stopping ? decl : NULL;
}

/* --- states ----------------------------------------------------------------------- */

typedef struct Change {
  const char *state;
  const Error *err;
  double wait; /* below 0: none */
  int number;
  bool gap;
} Change;

static int push_change(lua_State *L, void *ctx) {
  const Change *change = ctx;
  lua_pushstring(L, change->state);
  lua_createtable(L, 0, 4);
  if (change->err) {
    luaerror_push(L, change->err);
    lua_setfield(L, -2, "error");
  }
  if (change->wait >= 0) {
    lua_pushnumber(L, change->wait);
    lua_setfield(L, -2, "retry_in");
    lua_pushinteger(L, change->number);
    lua_setfield(L, -2, "attempt");
  }
  if (change->gap) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "gap");
  }
  return 2;
}

static void tell_state(EventSource *s, Change change) {
  Declaration *decl = find_owner(s);
  s->told = change.state;
  if (!decl) return;
  Firing firing = {
      .any = true, .source = decl->name, .push = push_change, .ctx = &change};
  handlers_fire(decl->vm, &decl->states, &firing);
}

static void end_source(EventSource *s, const Error *err) {
  s->over = true;
  event_reader_close(s->reader);
  if (err)
    log_write(s->res->owner->host->log, LOG_ERROR, s->res->owner->name,
              "events %s: %s: %s; not tried again", s->res->name, error_name(err->code),
              err->message);
  tell_state(s, (Change){.state = "closed", .err = err, .wait = -1});
}

/* --- asking the connector --------------------------------------------------------- */

static void forget_ask(EventSource *s) {
  if (s->ask) s->ask->source = NULL;
  s->ask = NULL;
}

static int push_ask(lua_State *L, void *ctx) {
  const Ask *ask = ctx;
  EventSource *s = ask->source;
  EventStream *stream = event_reader_stream(s->reader);
  size_t len;
  const char *id = eventstream_last_id(stream, &len);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->res->decls->functions[EVENT_SOURCE_CONNECTOR]);
  lua_pushinteger(L, (lua_Integer)ask->number);
  lua_pushlstring(L, id, len);
  if (eventstream_retry(stream) < 0) lua_pushnil(L);
  else lua_pushnumber(L, eventstream_retry(stream));
  lua_pushinteger(L, s->number);
  lua_pushboolean(L, s->opened);
  lua_pushboolean(L, s->lost);
  if (s->lost && s->err.code) luaerror_push(L, &s->err);
  else lua_pushnil(L);
  return 7;
}

static void wait_before_next(EventSource *s, double seconds, const Error *err) {
  s->lost = false;
  timer_start(s->loop, &s->wait, seconds);
  tell_state(
      s, (Change){
             .state = "reconnecting", .err = err, .wait = seconds, .number = s->number});
}

/* What the connector returned: "open", "over", or nil, err, seconds. */
static void take_answer(EventSource *s, lua_State *co, int n) {
  int first = lua_gettop(co) - n + 1;
  Error err = {0};
  bool word = n > 0 && lua_isstring(co, first);
  if (word && s->open) return;
  bool failed = n > 1 && !lua_isnil(co, first + 1);
  if (failed) luaerror_read(co, first + 1, &err);
  if (!word && n > 2 && lua_isnumber(co, first + 2))
    wait_before_next(s, lua_tonumber(co, first + 2), failed ? &err : NULL);
  else end_source(s, failed ? &err : NULL);
}

/* One that was cut off with its generation is asked again in the next. */
static void take_failure(EventSource *s, TaskOutcome outcome, bool replaced) {
  Error err = {0};
  error_set(&err, ERR_SCRIPT, "what connects it failed: see the log");
  if (outcome == TASK_NOT_BEGUN) wait_before_next(s, 1, NULL);
  else if (outcome == TASK_FAILED && !replaced) end_source(s, &err);
  else wake(s);
}

static void on_answer(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  Ask *ask = ctx;
  EventSource *s = ask->source;
  bool replaced = ask->vm->state != VM_LIVE;
  free(ask);
  if (!s) return;
  s->ask = NULL;
  if (outcome == TASK_OK) take_answer(s, co, n);
  else take_failure(s, outcome, replaced);
}

static void ask_connector(EventSource *s, Declaration *decl) {
  if (decl->functions[EVENT_SOURCE_CONNECTOR] == LUA_NOREF) return;
  if (!s->lost) {
    s->number++;
    tell_state(s, (Change){.state = "connecting", .wait = -1});
  }
  if (!s->res) return;
  Ask *ask = xcalloc(1, sizeof *ask);
  *ask = (Ask){s, decl->vm, ++s->asks};
  s->ask = ask;
  task_start(decl->vm, TASK_NAME("the events", s->res->name), push_ask, ask, on_answer,
             ask);
}

static void on_wait_over(Timer *timer) {
  step(CONTAINER_OF(timer, EventSource, wait));
}

/* --- delivering ------------------------------------------------------------------- */

typedef struct Delivery {
  const StreamEvent *event;
  bool gap;
} Delivery;

static int push_event(lua_State *L, void *ctx) {
  const Delivery *delivery = ctx;
  luaevent_push(L, delivery->event, delivery->gap);
  return 1;
}

static bool is_full(const EventSource *s) {
  const Vm *vm = s->res->owner->current;
  int most = s->held ? MOST_TASKS / 2 : MOST_TASKS;
  return s->tasks >= most || (s->tasks > 0 && vm && hold_is_heavy(vm));
}

static void on_handled(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  (void)co, (void)n, (void)outcome;
  EventSource *s = ctx;
  s->tasks--;
  if (s->firing) return;
  if (!s->res) release_if_unused(s);
  else if (s->held && !is_full(s)) wake(s);
}

static void deliver_event(EventSource *s, Declaration *decl, const StreamEvent *event) {
  Delivery delivery = {event, s->gap};
  Firing firing = {.any = true,
                   .source = decl->name,
                   .push = push_event,
                   .ctx = &delivery,
                   .done = on_handled,
                   .done_ctx = s};
  s->gap = false;
  s->number = 0;
  s->tasks += handlers_fire(decl->vm, &decl->handlers, &firing);
  if (!s->res || !handlers_want(&decl->outgoing, NULL, 0)) return;
  s->tasks += handlers_fire(decl->vm, &decl->outgoing, &firing);
}

/* One batch. True: there may be more. */
static bool deliver_batch(EventSource *s) {
  StreamEvent event;
  for (int i = 0; i < BATCH && s->res && !s->over; i++) {
    Declaration *decl = find_owner(s);
    s->held = is_full(s);
    if (!decl || s->held) return false;
    EventRead got = event_reader_next(s->reader, &event);
    if (got == EVENTS_LATER) return false;
    if (got == EVENTS_EVENT) {
      deliver_event(s, decl, &event);
      continue;
    }
    s->open = false;
    s->lost = true;
    if (s->number == 0) s->number = 1;
    s->err = got == EVENTS_FAILED ? *event_reader_failure(s->reader) : (Error){0};
    return true;
  }
  return true;
}

static void on_more(void *ctx) {
  step(ctx);
}

/* --- going on --------------------------------------------------------------------- */

static void tell_open(EventSource *s) {
  if (!s->news) return;
  s->news = false;
  tell_state(s, (Change){.state = "connected", .gap = s->gap, .wait = -1});
}

static void go_on(EventSource *s) {
  Declaration *decl = find_owner(s);
  const EventSourceOptions *options = s->res->options;
  if (s->over || options->passive || !decl) return;
  if (s->open) {
    tell_open(s);
    if (s->res && deliver_batch(s) && s->res) wake(s);
  } else if (!s->ask && !timer_active(&s->wait)) {
    ask_connector(s, decl);
  }
}

static void step(EventSource *s) {
  if (s->firing) {
    wake(s);
    return;
  }
  s->firing = true;
  go_on(s);
  s->firing = false;
  release_if_unused(s);
}

bool event_source_adopt(const Declaration *decl, uint64_t ask, HttpRequest *http,
                        const char *text, size_t len, bool gap) {
  EventSource *s = decl->res ? decl->res->object : NULL;
  if (!s || s->over || !s->ask || s->ask->number != ask) {
    if (http) http_cancel(http);
    return false;
  }
  if (http) event_reader_open(s->reader, http, on_more, s);
  else event_reader_open_text(s->reader, text, len);
  s->gap = s->gap || gap;
  s->open = s->opened = s->news = true;
  wake(s);
  return true;
}

/* --- the last id ------------------------------------------------------------------ */

static const char *id_of(const Resource *res, size_t *len) {
  EventSource *s = res ? res->object : NULL;
  *len = 0;
  return s ? eventstream_last_id(event_reader_stream(s->reader), len) : "";
}

void event_source_note(const Declaration *decl, const char *id, size_t len) {
  EventSource *s = decl->res ? decl->res->object : NULL;
  if (s) eventstream_seed(event_reader_stream(s->reader), id, len);
}

const char *event_source_id(const Declaration *decl, size_t *len) {
  return id_of(decl->res, len);
}

const char *event_source_find_id(const Vm *vm, const char *name, size_t *len) {
  for (const Resource *r = vm->host->resources->first; r; r = r->next)
    if (r->owner == vm->owner && r->kind == &event_source_kind &&
        strcmp(r->name, name) == 0)
      return id_of(r, len);
  return NULL;
}

const char *event_source_state(const Declaration *decl) {
  const EventSource *s = decl->res ? decl->res->object : NULL;
  if (!s || s->over) return "closed";
  return s->open ? "connected" : s->told ? s->told : "connecting";
}

/* --- the resource ----------------------------------------------------------------- */

static EventReader *new_reader(const Resource *res, const char *id, size_t len) {
  const EventSourceOptions *options = res->options;
  EventReader *reader = event_reader_new(options->max_event, res->owner->charge);
  eventstream_seed(event_reader_stream(reader), id, len);
  return reader;
}

static int open_source(Resource *res, Error *err) {
  (void)err;
  const EventSourceOptions *options = res->options;
  EventSource *s = xcalloc(1, sizeof *s);
  *s = (EventSource){.res = res,
                     .loop = res->owner->host->loop,
                     .wakes.run = on_wake,
                     .wait.fire = on_wait_over};
  s->reader = new_reader(res, options->last_id, strlen(options->last_id));
  res->object = s;
  return 0;
}

static void close_source(Resource *res) {
  EventSource *s = res->object;
  res->object = NULL;
  timer_stop(s->loop, &s->wait);
  forget_ask(s);
  event_reader_free(s->reader);
  s->reader = NULL;
  s->res = NULL;
  release_if_unused(s);
}

static void quiesce_source(Resource *res) {
  EventSource *s = res->object;
  s->over = true;
  timer_stop(s->loop, &s->wait);
  forget_ask(s);
  event_reader_close(s->reader);
}

static bool source_alive(const Resource *res) {
  const EventSource *s = res->object;
  return s && !s->over && !((EventSourceOptions *)res->options)->passive && res->decls;
}

static bool same_options(const void *a, const void *b) {
  const EventSourceOptions *x = a, *y = b;
  return strcmp(x->fingerprint, y->fingerprint) == 0 && x->passive == y->passive;
}

static bool is_changed_in_place(const void *a, const void *b) {
  (void)a, (void)b;
  return true;
}

/* It begins anew, after its last id where that is this stream's. */
static void change_source(Resource *res, const void *before) {
  EventSource *s = res->object;
  const EventSourceOptions *old = before, *options = res->options;
  EventReader *reader = s->reader;
  size_t len;
  bool same = strcmp(old->url, options->url) == 0;
  const char *id = options->last_id;
  if (same) id = eventstream_last_id(event_reader_stream(reader), &len);
  else len = strlen(id);
  timer_stop(s->loop, &s->wait);
  forget_ask(s);
  s->reader = new_reader(res, id, len);
  event_reader_free(reader);
  s->open = s->lost = s->over = s->gap = false;
  s->opened = s->opened && same;
  s->number = 0;
}

static void list_differences(const void *a, const void *b, Buffer *out) {
  const EventSourceOptions *x = a, *y = b;
  buffer_puts(out, strcmp(x->url, y->url) == 0 ? "options" : "url");
}

static void free_source_options(void *options) {
  EventSourceOptions *o = options;
  free(o->url);
  free(o->fingerprint);
  free(o->last_id);
  free(o);
}

static void join_source(Declaration *decl) {
  if (decl->res->object) wake(decl->res->object);
}

const ResourceKind event_source_kind = {.name = "events",
                                        .open = open_source,
                                        .close = close_source,
                                        .quiesce = quiesce_source,
                                        .alive = source_alive,
                                        .same = same_options,
                                        .in_place = is_changed_in_place,
                                        .change = change_source,
                                        .differs = list_differences,
                                        .join = join_source,
                                        .free_options = free_source_options};
