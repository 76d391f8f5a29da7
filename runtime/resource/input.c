/* See input.h. `pump` is the one place where lines move. It takes one line a turn, and
 * only while
 *   - the owner is live and has a handler: before that nothing is read;
 *   - no serial handler runs, and not too many others do: so that nothing more is read
 *     than can be handled.
 * Whatever may end such a wait calls `wake`: more input, a handler's end, a handler that
 * was added, a generation that went live. The end is reported when all handlers have
 * ended.
 *
 * The struct outlives the resource while handlers run or the pump waits in the inbox. */
#include "resource/declare.h"
#include "resource/input.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop/lines.h"
#include "vm/vm_timer.h"

enum { MAX_LOOSE = 64 };

typedef struct Input {
  Resource *res; /* NULL: closed */
  Loop *loop;
  Lines *lines;
  Event pump;
  int serial, loose; /* handlers that run; below 0 while their start is being counted */
  bool queued, firing, ended;
  Timer look_again;
} Input;

/* --- delivering ------------------------------------------------------------------- */

static void wake_reader(Input *in) {
  if (in->queued) return;
  in->queued = true;
  inbox_push(in->loop, &in->pump);
}

static void release_if_unused(Input *in) {
  if (!in->res && !in->queued && !in->firing && in->serial == 0 && in->loose == 0)
    free(in);
}

static void on_handler_end(Input *in, int *count) {
  --*count;
  if (in->firing) return;
  if (in->res) wake_reader(in);
  else release_if_unused(in);
}

static void on_serial_end(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  (void)co, (void)n, (void)outcome;
  on_handler_end(ctx, &((Input *)ctx)->serial);
}

static void on_loose_end(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  (void)co, (void)n, (void)outcome;
  on_handler_end(ctx, &((Input *)ctx)->loose);
}

typedef struct Line {
  const char *text; /* NULL: the end */
  size_t len;
} Line;

static int push_line(lua_State *L, void *ctx) {
  const Line *line = ctx;
  if (!line->text) return 0;
  lua_pushlstring(L, line->text, line->len);
  return 1;
}

static int fire_line(Declaration *decl, const char *event, Line *line, TaskDone *done) {
  Firing firing = {.event = event,
                   .len = strlen(event),
                   .source = "standard input",
                   .push = push_line,
                   .ctx = line,
                   .done = done,
                   .done_ctx = decl->res->object};
  return handlers_fire(decl->vm, &decl->handlers, &firing);
}

static void deliver_line(Input *in, Declaration *decl, Line *line) {
  in->firing = true;
  in->serial += fire_line(decl, INPUT_SERIAL, line, on_serial_end);
  in->loose += fire_line(decl, INPUT_LOOSE, line, on_loose_end);
  in->firing = false;
}

static void deliver_end(Input *in, Declaration *decl) {
  int error = lines_error(in->lines);
  if (error)
    log_write(decl->vm->host->log, LOG_ERROR, decl->vm->owner->name,
              "standard input cannot be read: %s", strerror(error));
  in->ended = true;
  fire_line(decl, INPUT_END, &(Line){NULL, 0}, NULL);
}

static bool has_handlers(const Declaration *decl, const char *event) {
  return handlers_want(&decl->handlers, event, strlen(event));
}

/* The declaration that hears of lines now; NULL: none. */
static Declaration *find_listener(const Input *in) {
  Declaration *decl = in->res->decls;
  if (!decl || decl->attached || !declaration_live(decl)) return NULL;
  return has_handlers(decl, INPUT_SERIAL) || has_handlers(decl, INPUT_LOOSE) ||
                 has_handlers(decl, INPUT_END)
             ? decl
             : NULL;
}

/* Another script may read only once the first has loaded and does not. */
static bool waits_for_first(const Input *in) {
  Owner *owner = in->res->owner, *first = owner->host->owners;
  while (first && !owner_is_first(first)) first = first->next;
  return first && first != owner && !first->current &&
         owner->host->hooks->is_loading(owner->host, first);
}

static void on_look_again(Timer *timer) {
  wake_reader(CONTAINER_OF(timer, Input, look_again));
}

static void deliver_lines(Input *in) {
  if (waits_for_first(in)) {
    timer_start(in->loop, &in->look_again, 0.01);
    return;
  }
  Declaration *decl = find_listener(in);
  if (!decl || in->ended || decl->vm->host->stopping) return;
  if (in->serial > 0 || in->loose >= MAX_LOOSE) return;
  Line line;
  switch (lines_next(in->lines, &line.text, &line.len)) {
  case LINES_NONE:
    return;
  case LINES_END:
    if (in->loose == 0) deliver_end(in, decl);
    return;
  case LINES_TOO_LONG:
    log_write(decl->vm->host->log, LOG_ERROR, decl->vm->owner->name,
              "a line of standard input exceeds %d bytes and is passed over", LINES_MAX);
    break;
  case LINES_LINE:
    deliver_line(in, decl, &line);
  }
  wake_reader(in);
}

static void on_pump(Event *event) {
  Input *in = CONTAINER_OF(event, Input, pump);
  in->queued = false;
  if (in->res) deliver_lines(in);
  else release_if_unused(in);
}

static void on_ready(void *ctx) {
  wake_reader(ctx);
}

/* --- the resource ----------------------------------------------------------------- */

static const ResourceKind input_kind;

/* The standard input of another script, from this resource on; NULL: there is none. */
static Resource *next_holder(Resource *from, const Resource *res) {
  while (from && (from->kind != &input_kind || from == res)) from = from->next;
  return from;
}

/* The first script named goes before all others, whenever it comes: input_start. */
static int check_free(const Resource *res, Error *err) {
  const Resource *holder = next_holder(res->owner->host->resources->first, res);
  if (!holder || owner_is_first(res->owner)) return 0;
  return error_set(err, ERR_BUSY,
                   "standard input is read by the script %s: only one can have it",
                   holder->owner->name);
}

static int input_open(Resource *res, Error *err) {
  if (check_free(res, err) != 0) return (int)err->code;
  Loop *loop = res->owner->host->loop;
  Input *in = xcalloc(1, sizeof *in);
  *in = (Input){.res = res,
                .loop = loop,
                .pump.run = on_pump,
                .look_again = {.fire = on_look_again, .real = true}};
  in->lines = lines_new(loop, STDIN_FILENO, on_ready, in);
  res->object = in;
  return 0;
}

/* What was read, and not yet delivered, goes along. */
static void take_lines(Input *in, Input *from) {
  if (from->ended) return;
  Lines *unused = in->lines;
  in->lines = from->lines;
  from->lines = unused;
  lines_hand_to(in->lines, on_ready, in);
}

static void take_over_from(Resource *res, Resource *holder) {
  log_write(res->owner->host->log, LOG_WARN, holder->owner->name,
            "standard input goes to %s, the first script named", res->owner->name);
  take_lines(res->object, holder->object);
  resource_close(holder);
}

/* The load is sure by now: what it takes from another script is never given back. */
static void input_start(Resource *res) {
  if (!owner_is_first(res->owner)) return;
  Resource *holder = next_holder(res->owner->host->resources->first, res);
  while (holder) {
    Resource *next = next_holder(holder->next, res);
    take_over_from(res, holder);
    holder = next;
  }
}

static void input_close(Resource *res) {
  Input *in = res->object;
  lines_free(in->lines);
  timer_stop(in->loop, &in->look_again);
  in->res = NULL;
  res->object = NULL;
  release_if_unused(in);
}

static bool input_alive(const Resource *res) {
  const Input *in = res->object;
  return !in->ended && find_listener(in);
}

static const ResourceKind input_kind = {.name = "input",
                                        .of_one_script = true,
                                        .open = input_open,
                                        .start = input_start,
                                        .close = input_close,
                                        .alive = input_alive};

/* --- declaring -------------------------------------------------------------------- */

/* Wakes the input when the generation that declared it goes live: it may have been open
 * and without a listener. */
typedef struct Wake {
  VmTimer live;
  Declaration *decl;
} Wake;

static void drop_wake(VmTimer *timer) {
  free(CONTAINER_OF(timer, Wake, live));
}

static void on_live(VmTimer *timer) {
  Declaration *decl = CONTAINER_OF(timer, Wake, live)->decl;
  vm_timer_remove(timer);
  drop_wake(timer);
  if (decl->res) wake_reader(decl->res->object);
}

Declaration *input_declare(lua_State *L, Error *err) {
  Vm *vm = vm_of(L);
  for (Declaration *d = vm->decls; d; d = d->next)
    if (d->kind == &input_kind) return d;
  Declaration *decl = declare(L, &input_kind, "stdin", NULL, err);
  if (!decl || vm->state != VM_STAGING) return decl;
  Wake *once = xcalloc(1, sizeof *once);
  *once = (Wake){.live = {.start = on_live, .stop = drop_wake}, .decl = decl};
  vm_timer_add(vm, &once->live);
  return decl;
}

void input_handler_added(Declaration *decl) {
  if (decl->res && declaration_live(decl)) wake_reader(decl->res->object);
}
