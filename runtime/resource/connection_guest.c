/* The queue of a script that attached to another's connection. Only the owner's handlers
 * hold a connection; those of a guest that is slow, or sleeps, cost it events of its own:
 * what it has no task for waits here, copied, and the oldest goes when there is no room.
 * The event "gap" and the log, once, say so.
 *
 * A guest is a script, not a generation of it: what waits when it is reloaded goes to the
 * new generation. States, connect, disconnect and the like are no part of it. */
#include <stdlib.h>
#include <string.h>

#include "resource/connection_guest.h"
#include "resource/connection_fire.h"
#include "resource/connection_large.h"
#include "resource/resource.h"
#include "vm/vm.h"

enum { MOST_TASKS = 200, MOST_EVENTS = 1000, MOST_BYTES = 1 << 20 };
static const double gap_pause = 0.1; /* seconds, in which gaps are reported together */

typedef struct Held Held;
struct Held {
  Held *next;
  HandlerCall delivery; /* its data: in place */
  SocketData data;
  size_t size;
  _Alignas(SioBytes) char place[];
};

struct Guest {
  Guest *next;
  Connection *connection;
  Owner *owner;
  DeliverTo *deliver;
  unsigned generation; /* whose tasks are counted */
  InFlight *flight;    /* owned until the connection is closed */
  Held *first, **last;
  size_t count, bytes;
  uint64_t lost, unreported; /* in all; and not reported yet */
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
static void wake_guest(Guest *g);

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
static InFlight *flight_of(Guest *g, const Vm *vm) {
  if (g->flight && g->generation == vm->number) return g->flight;
  if (g->flight) in_flight_detach(g->flight);
  g->generation = vm->number;
  g->flight = in_flight_new(g->connection, g->owner, g, wake_guest);
  return g->flight;
}

InFlight *guest_flight(const Connection *c, const Owner *owner) {
  const Guest *g = find_guest(c, owner);
  return g ? g->flight : NULL;
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

static void log_lost(Guest *g) {
  const Resource *res = g->connection->res;
  if (g->flight->logged) return;
  g->flight->logged = true;
  log_write(res->owner->host->log, LOG_WARN, g->owner->name,
            "%s:%s: %d handlers of this script have not ended, and %d events or 1 MiB "
            "wait: the oldest are dropped (event \"gap\")",
            res->owner->name, res->name, g->flight->tasks, MOST_EVENTS);
}

static void drop_oldest(Guest *g) {
  free(take_first(g));
  g->lost++;
  g->unreported++;
  log_lost(g);
  if (!timer_active(&g->gap)) timer_start(g->owner->host->loop, &g->gap, gap_pause);
}

static bool is_too_much(const Guest *g) {
  return g->first && charge_is_over(g->owner->charge, 0);
}

static void hold_delivery(Guest *g, const HandlerCall *delivery) {
  Held *held = xmalloc(sizeof *held + socket_data_room(delivery->data));
  held->next = NULL;
  held->delivery = *delivery;
  held->data = socket_data_store(held->place, delivery->data);
  held->delivery.data = &held->data;
  held->size = socket_data_room(delivery->data);
  *g->last = held;
  g->last = &held->next;
  g->count++;
  g->bytes += held->size;
  charge_add(g->owner->charge, sizeof *held + held->size);
  while (g->count > MOST_EVENTS || g->bytes > MOST_BYTES || is_too_much(g))
    drop_oldest(g);
}

InFlight *guest_ready(Connection *c, Declaration *d, const HandlerCall *delivery,
                      DeliverTo *deliver) {
  Guest *g = find_guest(c, d->vm->owner);
  if (!g) g = add_guest(c, d->vm->owner);
  InFlight *f = flight_of(g, d->vm);
  if (!g->first && f->tasks < MOST_TASKS && !large_waits(f)) return f;
  g->deliver = deliver;
  hold_delivery(g, delivery);
  return NULL;
}

/* --- gaps ------------------------------------------------------------------------- */

static int push_gap(lua_State *L, void *ctx) {
  lua_createtable(L, 0, 1);
  lua_pushinteger(L, (lua_Integer) * (uint64_t *)ctx);
  lua_setfield(L, -2, "lost");
  return 1;
}

/* Between ++firing and connection_unref: the guest may be gone behind it. */
static void fire_gap(Guest *g, Declaration *d) {
  uint64_t lost = g->unreported;
  g->unreported = 0;
  timer_stop(g->owner->host->loop, &g->gap);
  connection_fire_for(
      g->connection, d, flight_of(g, d->vm), LIST_EVENTS,
      &(Firing){.event = "gap", .len = 3, .push = push_gap, .ctx = &lost});
}

/* A guest whose handlers of gaps do not end either gets no more gaps. */
static void on_gap(Timer *timer) {
  Guest *g = CONTAINER_OF(timer, Guest, gap);
  Connection *c = g->connection;
  Declaration *d = find_live(g);
  c->firing++;
  if (d && flight_of(g, d->vm)->tasks < 2 * MOST_TASKS) fire_gap(g, d);
  connection_unref(c);
}

/* --- going on --------------------------------------------------------------------- */

typedef struct Pump {
  Event event;
  Host *host;
  uint64_t connection;
  const Owner *owner;
} Pump;

static bool has_room(Guest *g, const Declaration *d) {
  const InFlight *f = flight_of(g, d->vm);
  return g->first && f->tasks < MOST_TASKS && !large_waits(f);
}

/* One event: others have their turn between two. */
static void hand_next(Guest *g, Declaration *d) {
  Connection *c = g->connection;
  if (g->unreported) fire_gap(g, d);
  if (!c->res || !has_room(g, d)) return;
  Held *held = take_first(g);
  g->deliver(c, d, flight_of(g, d->vm), &held->delivery);
  free(held);
  if (c->res && has_room(g, d)) wake_guest(g);
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
  connection_unref(c);
}

static void wake_guest(Guest *g) {
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
  if (g) wake_guest(g);
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
    if (g->flight) in_flight_detach(g->flight);
    free(g);
  }
}
