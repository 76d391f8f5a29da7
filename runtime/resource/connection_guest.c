/* The queue of a script that attached to another's connection. Only the owner's handlers
 * hold a connection; those of a guest that is slow, or sleeps, cost it events of its own:
 * what it has no task for waits here, copied, and the oldest goes when there is no room.
 * It is told so by the event "gap", and the log once.
 *
 * A guest is a script, not a generation of it: what waits when it is reloaded goes to the
 * new generation. States, connect, disconnect and the like are no part of it. */
#include <stdlib.h>
#include <string.h>

#include "resource/connection_parts.h"
#include "vm/vm.h"

enum { MOST_TASKS = 200, MOST_EVENTS = 1000, MOST_BYTES = 1 << 20 };
static const double gap_pause = 0.1; /* seconds, in which gaps are told together */

typedef struct Held Held;
struct Held {
  Held *next;
  Told told; /* its data: in place */
  SocketData data;
  size_t size;
  _Alignas(SioBytes) char place[];
};

struct Guest {
  Guest *next;
  Connection *connection;
  Owner *owner;
  unsigned generation; /* whose tasks are counted */
  Flight *flight;      /* owned until the connection is closed */
  Held *first, **last;
  size_t count, bytes;
  uint64_t lost, untold; /* in all; and not told yet */
  bool woken;
  Timer gap;
};

/* --- who it is -------------------------------------------------------------------- */

static Guest *find_guest(const Connection *c, const Owner *owner) {
  Guest *g = c->guests;
  while (g && g->owner != owner) g = g->next;
  return g;
}

static Declaration *find_live(const Guest *g) {
  Declaration *d = g->connection->res->decls;
  while (d && !(d->attached && d->vm->owner == g->owner && connection_hears(d)))
    d = d->next_bound;
  return d;
}

static void on_gap(Timer *timer);

static Guest *add_guest(Connection *c, Owner *owner) {
  Guest *g = xcalloc(1, sizeof *g);
  g->connection = c;
  g->owner = owner;
  g->last = &g->first;
  g->gap.fire = on_gap;
  g->next = c->guests;
  c->guests = g;
  return g;
}

/* Its flight: a new generation has one of its own. */
static Flight *flight_of(Guest *g, const Vm *vm) {
  if (g->flight && g->generation == vm->number) return g->flight;
  if (g->flight) flight_leave(g->flight);
  g->generation = vm->number;
  g->flight = flight_new(g->connection, g);
  return g->flight;
}

/* --- the queue -------------------------------------------------------------------- */

static Held *take_first(Guest *g) {
  Held *held = g->first;
  g->first = held->next;
  if (!g->first) g->last = &g->first;
  g->count--;
  g->bytes -= held->size;
  charge_remove(g->owner->charge, sizeof *held + held->size);
  return held;
}

static void free_queue(Guest *g) {
  while (g->first) free(take_first(g));
}

static void tell_log(Guest *g) {
  const Resource *res = g->connection->res;
  if (g->flight->told) return;
  g->flight->told = true;
  log_write(res->owner->host->log, LOG_WARN, g->owner->name,
            "%s:%s: %d handlers of this script have not ended, and %d events or 1 MiB "
            "wait: the oldest are dropped (event \"gap\")",
            res->owner->name, res->name, g->flight->tasks, MOST_EVENTS);
}

static void drop_oldest(Guest *g) {
  free(take_first(g));
  g->lost++;
  g->untold++;
  tell_log(g);
  if (!timer_active(&g->gap)) timer_start(g->owner->host->loop, &g->gap, gap_pause);
}

static bool is_too_much(const Guest *g) {
  return g->first && charge_is_over(g->owner->charge, 0);
}

static void hold(Guest *g, const Told *told) {
  Held *held = xmalloc(sizeof *held + socket_data_room(told->data));
  held->next = NULL;
  held->told = *told;
  held->data = socket_data_store(held->place, told->data);
  held->told.data = &held->data;
  held->size = socket_data_room(told->data);
  *g->last = held;
  g->last = &held->next;
  g->count++;
  g->bytes += held->size;
  charge_add(g->owner->charge, sizeof *held + held->size);
  while (g->count > MOST_EVENTS || g->bytes > MOST_BYTES || is_too_much(g))
    drop_oldest(g);
}

Flight *guest_ready(Connection *c, Declaration *d, const Told *told) {
  Guest *g = find_guest(c, d->vm->owner);
  if (!g) g = add_guest(c, d->vm->owner);
  Flight *f = flight_of(g, d->vm);
  if (!g->first && f->tasks < MOST_TASKS) return f;
  hold(g, told);
  return NULL;
}

/* --- gaps ------------------------------------------------------------------------- */

static int push_gap(lua_State *L, void *ctx) {
  lua_createtable(L, 0, 1);
  lua_pushinteger(L, (lua_Integer) * (uint64_t *)ctx);
  lua_setfield(L, -2, "lost");
  return 1;
}

/* Between ++firing and connection_leave: the guest may be gone behind it. */
static void tell_gap(Guest *g, Declaration *d) {
  uint64_t lost = g->untold;
  g->untold = 0;
  timer_stop(g->owner->host->loop, &g->gap);
  connection_fire_for(
      g->connection, d, flight_of(g, d->vm), LIST_EVENTS,
      &(Firing){.event = "gap", .len = 3, .push = push_gap, .ctx = &lost});
}

/* Handlers of gaps that do not end either are told no more. */
static void on_gap(Timer *timer) {
  Guest *g = CONTAINER_OF(timer, Guest, gap);
  Connection *c = g->connection;
  Declaration *d = find_live(g);
  c->firing++;
  if (d && flight_of(g, d->vm)->tasks < 2 * MOST_TASKS) tell_gap(g, d);
  connection_leave(c);
}

/* --- going on --------------------------------------------------------------------- */

typedef struct Pump {
  Event event;
  Host *host;
  uint64_t connection;
  const Owner *owner;
} Pump;

static bool has_room(Guest *g, const Declaration *d) {
  return g->first && flight_of(g, d->vm)->tasks < MOST_TASKS;
}

/* One event: others have their turn between two. */
static void hand_next(Guest *g, Declaration *d) {
  Connection *c = g->connection;
  if (g->untold) tell_gap(g, d);
  if (!c->res || !has_room(g, d)) return;
  Held *held = take_first(g);
  connection_hand(c, d, flight_of(g, d->vm), &held->told);
  free(held);
  if (c->res && has_room(g, d)) guest_wake(g);
}

static void on_pump(Event *event) {
  Pump pump = *CONTAINER_OF(event, Pump, event);
  free(CONTAINER_OF(event, Pump, event));
  Connection *c = connection_if_alive(pump.host, pump.connection);
  Guest *g = c ? find_guest(c, pump.owner) : NULL;
  if (!g) return;
  g->woken = false;
  Declaration *d = pump.host->stopping ? NULL : find_live(g);
  c->firing++;
  if (!d) free_queue(g);
  else if (has_room(g, d)) hand_next(g, d);
  connection_leave(c);
}

void guest_wake(Guest *g) {
  if (g->woken || !g->first) return;
  g->woken = true;
  Pump *pump = xmalloc(sizeof *pump);
  *pump = (Pump){.event.run = on_pump,
                 .host = g->owner->host,
                 .connection = g->connection->number,
                 .owner = g->owner};
  inbox_push(g->owner->host->loop, &pump->event);
}

void guest_join(Connection *c, const Declaration *d) {
  Guest *g = find_guest(c, d->vm->owner);
  if (g) guest_wake(g);
}

uint64_t guest_lost(const Connection *c, const Owner *owner) {
  const Guest *g = find_guest(c, owner);
  return g ? g->lost : 0;
}

void guests_free(Connection *c) {
  while (c->guests) {
    Guest *g = c->guests;
    c->guests = g->next;
    timer_stop(g->owner->host->loop, &g->gap);
    free_queue(g);
    if (g->flight) flight_leave(g->flight);
    free(g);
  }
}
