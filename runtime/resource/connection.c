/* A script's connection: the resource around a Socket, and who hears of it. What it
 * hears stands in connection_event.c and connection_state.c, auth in connection_auth.c.
 */
#include "resource/connection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "resource/connection_auth.h"
#include "resource/connection_event.h"
#include "resource/connection_fire.h"
#include "resource/connection_guest.h"
#include "resource/connection_session.h"
#include "resource/connection_state.h"
#include "resource/connection_wait.h"
#include "resource/resource.h"
#include "vm/hold.h"
#include "vm/vm.h"

/* --- the resource ----------------------------------------------------------------- */

static int open_connection(Resource *res, Error *err) {
  static const SocketCallbacks callbacks = {connection_on_auth,    connection_on_state,
                                            connection_on_error,   connection_on_event,
                                            connection_on_message, connection_on_dropped,
                                            connection_on_refused};
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
  c->flight = in_flight_new(c, res->owner, NULL, NULL);
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
  connection_session_leave(c);
  socket_free(c->socket);
  c->res = NULL;
  in_flight_detach(c->flight);
  guests_free(c);
  if (!c->firing) connection_free(c);
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

static void list_differences(const void *a, const void *b, Buffer *out) {
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
                                      .differs = list_differences,
                                      .check = check_options,
                                      .free_options = free_connection_options,
                                      .join = join_connection,
                                      .withheld = is_withheld,
                                      .shares = "\"hear\", \"send\" or \"control\"",
                                      .lose = connection_lose_waiters,
                                      .drop = connection_drop_waiters};

bool connections_refused(const Host *host) {
  for (Resource *r = host->resources->first; r; r = r->next) {
    const Connection *c = r->kind == &connection_kind ? r->object : NULL;
    if (c && c->refused) return true;
  }
  return false;
}

bool connections_stand(const Host *host) {
  for (Resource *r = host->resources->first; r; r = r->next) {
    const Connection *c = r->kind == &connection_kind ? r->object : NULL;
    if (c && socket_state(c->socket) == SOCKET_CONNECTED) return true;
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
