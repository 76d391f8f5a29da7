/* A script's connection: the resource around a net Socket, and who hears of it. What it
 * hears stands in connection_event.c and connection_state.c, auth in connection_auth.c.
 */
#include "resource/connection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "resource/connection_parts.h"
#include "vm/hold.h"
#include "vm/vm.h"

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

static void free_connection(Connection *c) {
  free(c->failure);
  free(c);
}

void connection_leave(Connection *c) {
  if (--c->firing == 0 && !c->res) free_connection(c);
}

/* --- how many at once ------------------------------------------------------------- */

enum { MAX_TASKS = 10000 };

static int most_tasks(const Connection *c) {
  const ConnectionOptions *options = c->res->options;
  return options->max_tasks > 0 ? options->max_tasks : MAX_TASKS;
}

/* Handlers of the owner's that wait are as many as they may be, or fill its memory:
 * further events have to wait, too. The end of a handler lets them come: so there is
 * always one. */
static void look_at_tasks(Flight *f) {
  Connection *c = f->connection;
  if (!c || !c->res || f->guest) return;
  int most = most_tasks(c);
  const Vm *vm = c->res->owner->current;
  bool many = f->held ? f->tasks > most / 2 : f->tasks >= most;
  bool heavy = f->tasks > 0 && vm && hold_is_heavy(vm), hold = many || heavy;
  if (hold == f->held) return;
  f->held = hold;
  if (many && !f->told)
    log_write(c->res->owner->host->log, LOG_WARN, c->res->owner->name,
              "%s: %d handlers have not ended; further events wait until half of them "
              "have (max_tasks)",
              c->res->name, f->tasks);
  f->told = f->told || many;
  socket_hold(c->socket, hold);
}

static void release_flight(Flight *f) {
  if (!f->connection && !f->tasks && !f->firing) free(f);
}

Flight *flight_new(Connection *c, Guest *guest) {
  Flight *f = xcalloc(1, sizeof *f);
  f->connection = c;
  f->guest = guest;
  return f;
}

void flight_leave(Flight *f) {
  f->connection = NULL;
  f->guest = NULL;
  release_flight(f);
}

static void on_task_ended(void *ctx, lua_State *co, int n, bool ok) {
  (void)co, (void)n, (void)ok;
  Flight *f = ctx;
  f->tasks--;
  if (f->held) look_at_tasks(f);
  if (f->guest) guest_wake(f->guest);
  release_flight(f);
}

void connection_fire_for(Connection *c, Declaration *d, Flight *f, ListName name,
                         Firing *firing) {
  firing->source = c->res->name;
  firing->done = f ? on_task_ended : NULL;
  firing->done_ctx = f;
  if (f) f->firing++;
  int count = handlers_fire(d->vm, list_of(d, name), firing);
  if (!f) return;
  f->tasks += count;
  look_at_tasks(f);
  f->firing--;
  release_flight(f);
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

/* --- the resource ----------------------------------------------------------------- */

static int open_connection(Resource *res, Error *err) {
  static const SocketCallbacks callbacks = {connection_on_auth,    connection_on_state,
                                            connection_on_error,   connection_on_event,
                                            connection_on_message, connection_on_dropped};
  ConnectionOptions *options = res->options;
  Connection *c = xcalloc(1, sizeof *c);
  c->res = res;
  c->number = ++res->owner->host->resources->last_connection;
  options->net.group = res->owner;
  options->net.charge = res->owner->charge;
  c->socket =
      socket_new(res->owner->host->resources->net, &options->net, &callbacks, c, err);
  if (!c->socket) {
    free(c);
    return (int)err->code;
  }
  c->flight = flight_new(c, NULL);
  index_add(&res->owner->host->resources->connections, &c->node, c->number);
  res->object = c;
  return 0;
}

static void start_connection(Resource *res) {
  Connection *c = res->object;
  ConnectionOptions *options = res->options;
  if (options->auto_connect) socket_connect(c->socket);
}

static void close_connection(Resource *res) {
  Connection *c = res->object;
  res->object = NULL;
  if (!c) return;
  index_remove(&res->owner->host->resources->connections, &c->node);
  connection_forget_ask(c);
  socket_free(c->socket);
  c->res = NULL;
  flight_leave(c->flight);
  guests_free(c);
  if (!c->firing) free_connection(c);
}

static bool connection_alive(const Resource *res) {
  const Connection *c = res->object;
  if (!c) return false;
  SocketState state = socket_state(c->socket);
  return state != SOCKET_IDLE && state != SOCKET_CLOSED;
}

static bool same_options(const void *a, const void *b) {
  const ConnectionOptions *x = a, *y = b;
  return x->auto_connect == y->auto_connect && x->share == y->share &&
         x->frames == y->frames && x->max_tasks == y->max_tasks &&
         socket_options_equal(&x->net, &y->net);
}

/* What the socket behind it need not be made anew for. */
static bool in_place(const void *a, const void *b) {
  const ConnectionOptions *x = a, *y = b;
  return !socket_options_moved(&x->net, &y->net, NULL);
}

static void change_connection(Resource *res, const void *before) {
  const ConnectionOptions *old = before, *o = res->options;
  Connection *c = res->object;
  socket_retune(c->socket, &o->net);
  bool wanted = (o->auto_connect && !old->auto_connect) ||
                (o->net.reconnect && !old->net.reconnect &&
                 socket_state(c->socket) == SOCKET_CLOSED);
  if (wanted) socket_connect(c->socket);
}

static void differs(const void *a, const void *b, Buffer *out) {
  const ConnectionOptions *x = a, *y = b;
  Buffer names = {0};
  if (socket_options_moved(&x->net, &y->net, &names)) {
    buffer_puts(out, buffer_text(&names));
  } else if (x->auto_connect != y->auto_connect) {
    buffer_puts(out, "auto_connect");
  } else if (x->share != y->share) {
    buffer_puts(out, "share");
  } else {
    buffer_puts(out, x->frames != y->frames ? "frames" : "limits");
  }
  buffer_free(&names);
}

static bool is_withheld(const Declaration *decl) {
  return connection_rights(decl) < GUEST_HEARS;
}

static void join_connection(Declaration *decl) {
  if (decl->attached && decl->res->object) guest_join(decl->res->object, decl);
  connection_join_waiters(decl);
}

static int check_options(const void *options, Error *err) {
  return socket_options_check(&((const ConnectionOptions *)options)->net, err);
}

static void free_connection_options(void *options) {
  socket_options_free(&((ConnectionOptions *)options)->net);
  free(options);
}

const ResourceKind connection_kind = {.name = "socket",
                                      .open = open_connection,
                                      .start = start_connection,
                                      .close = close_connection,
                                      .alive = connection_alive,
                                      .same = same_options,
                                      .in_place = in_place,
                                      .change = change_connection,
                                      .differs = differs,
                                      .check = check_options,
                                      .free_options = free_connection_options,
                                      .join = join_connection,
                                      .withheld = is_withheld,
                                      .shares = "\"hear\", \"send\" or \"control\"",
                                      .lose = connection_lose_waiters,
                                      .drop = connection_drop_waiters};

Socket *connection_socket(const Declaration *decl) {
  if (!decl->res || !decl->res->object) return NULL;
  return ((Connection *)decl->res->object)->socket;
}

bool connections_refused(const Host *host) {
  for (Resource *r = host->resources->first; r; r = r->next) {
    const Connection *c = r->kind == &connection_kind ? r->object : NULL;
    if (c && c->refused) return true;
  }
  return false;
}

const char *connection_state(const Declaration *decl) {
  Socket *socket = connection_socket(decl);
  if (!socket || connection_rights(decl) < GUEST_HEARS)
    return decl->attached ? "pending" : "closed";
  return connection_state_name(socket_state(socket));
}

bool connection_is_plain(const Declaration *decl) {
  return ((ConnectionOptions *)decl->res->options)->net.protocol == SOCKET_WEBSOCKET;
}

double connection_call_timeout(const Declaration *decl) {
  const SocketOptions *o = &((ConnectionOptions *)decl->res->options)->net;
  if (o->retries > 0) return INFINITY;
  return o->ack_timeout > 0 ? o->ack_timeout : SOCKET_ACK_TIMEOUT;
}

GuestRights connection_rights(const Declaration *decl) {
  if (!decl->attached || !decl->res) return GUEST_CONTROLS;
  return ((ConnectionOptions *)decl->res->options)->share;
}

int connection_admit(const Declaration *decl, Error *err) {
  Socket *socket = connection_socket(decl);
  if (!decl->attached || !socket || !socket_is_half_full(socket)) return 0;
  bool connected = socket_state(socket) == SOCKET_CONNECTED;
  error_set(err, connected ? ERR_BACKPRESSURE : ERR_BUFFER_FULL,
            "half of what %s keeps to be sent is taken: the rest is its owner's",
            decl->name);
  err->sent = SENT_NO;
  return (int)err->code;
}

uint64_t connection_lost(const Declaration *decl) {
  return connection_socket(decl) ? guest_lost(decl->res->object, decl->vm->owner) : 0;
}

Frames connection_frames(const Declaration *decl) {
  return ((ConnectionOptions *)decl->res->options)->frames;
}
