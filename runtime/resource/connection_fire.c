/* The handlers of a script's connection: who hears, and how many of their tasks may wait.
 */
#include "resource/connection_fire.h"

#include <stdlib.h>

#include "resource/connection_large.h"
#include "resource/resource.h"
#include "vm/hold.h"
#include "vm/vm.h"

Socket *connection_socket(const Declaration *decl) {
  if (!decl->res || !decl->res->object) return NULL;
  return ((Connection *)decl->res->object)->socket;
}

GuestRights connection_rights(const Declaration *decl) {
  if (!decl->attached || !decl->res) return GUEST_CONTROLS;
  return ((ConnectionOptions *)decl->res->options)->share;
}

const char *connection_state_name(SocketState state) {
  switch (state) {
  case SOCKET_CONNECTING:
    return "connecting";
  case SOCKET_CONNECTED:
    return "connected";
  case SOCKET_RECONNECTING:
    return "reconnecting";
  default:
    return "closed";
  }
}

/* --- who hears -------------------------------------------------------------------- */

static HandlerList *list_of(Declaration *decl, ListName name) {
  return name == LIST_EVENTS   ? &decl->handlers
         : name == LIST_STATES ? &decl->states
         : name == LIST_DROPS  ? &decl->drops
                               : &decl->outgoing;
}

bool connection_hears(const Declaration *d) {
  return declaration_live(d) && connection_rights(d) >= GUEST_HEARS;
}

void connection_free(Connection *c) {
  free(c->failure);
  free(c);
}

void connection_unref(Connection *c) {
  if (--c->firing == 0 && !c->res) connection_free(c);
}

/* --- how many at once ------------------------------------------------------------- */

enum { MAX_TASKS = 10000 };

static int most_tasks(const Connection *c) {
  const ConnectionOptions *options = c->res->options;
  return options->max_tasks > 0 ? options->max_tasks : MAX_TASKS;
}

/* When as many handlers of the owner's wait as may, or they fill its memory, further
 * events are held back. The end of a handler lets them come again, so there is always at
 * least one. */
static void apply_backpressure(InFlight *f) {
  Connection *c = f->connection;
  if (!c || !c->res || f->guest) return;
  int most = most_tasks(c);
  const Vm *vm = c->res->owner->current;
  bool many = f->held ? f->tasks > most / 2 : f->tasks >= most;
  bool heavy = f->tasks > 0 && vm && hold_is_heavy(vm);
  bool hold = many || heavy || large_waits(f);
  if (hold == f->held) return;
  f->held = hold;
  if (many && !f->logged)
    log_write(c->res->owner->host->log, LOG_WARN, c->res->owner->name,
              "%s: %d handlers have not ended; further events wait until half of them "
              "have (max_tasks)",
              c->res->name, f->tasks);
  f->logged = f->logged || many;
  socket_hold(c->socket, hold);
}

static void release_in_flight(InFlight *f) {
  if (!f->tasks && !f->firing && !f->connection) free(f);
}

InFlight *in_flight_new(Connection *c, Owner *owner, Guest *guest,
                        void (*wake)(Guest *guest)) {
  InFlight *f = xcalloc(1, sizeof *f);
  f->owner = owner;
  f->connection = c;
  f->guest = guest;
  f->wake = wake;
  return f;
}

void in_flight_detach(InFlight *f) {
  f->connection = NULL;
  f->guest = NULL;
  release_in_flight(f);
}

void in_flight_look(InFlight *f) {
  if (f->held) apply_backpressure(f);
  if (f->guest) f->wake(f->guest);
}

static void on_task_ended(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  (void)co, (void)n, (void)outcome;
  InFlight *f = ctx;
  f->tasks--;
  if (f->held) apply_backpressure(f);
  if (f->guest) f->wake(f->guest);
  release_in_flight(f);
}

static void on_reader_ended(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  on_task_ended(large_end(ctx), co, n, outcome);
}

void in_flight_begin(InFlight *f) {
  if (f) f->firing++;
}

void in_flight_end(InFlight *f) {
  if (!f) return;
  apply_backpressure(f);
  f->firing--;
  release_in_flight(f);
}

void connection_fire_for(Connection *c, Declaration *d, InFlight *f, ListName name,
                         Firing *firing) {
  firing->source = c->res->name;
  firing->done = !f ? NULL : firing->done_for ? on_reader_ended : on_task_ended;
  firing->done_ctx = f;
  in_flight_begin(f);
  int count = handlers_fire(d->vm, list_of(d, name), firing);
  if (f) f->tasks += count;
  in_flight_end(f);
}

void connection_fire(Connection *c, ListName name, Firing *firing) {
  for (Declaration *d = c->res ? c->res->decls : NULL; d && c->res; d = d->next_bound) {
    if (!connection_hears(d)) continue;
    bool counts = name == LIST_EVENTS && !d->attached;
    connection_fire_for(c, d, counts ? c->flight : NULL, name, firing);
  }
}

Connection *connection_if_alive(Host *host, uint64_t number) {
  IndexNode *node = index_first(&host->resources->connections, number);
  return node ? CONTAINER_OF(node, Connection, node) : NULL;
}
