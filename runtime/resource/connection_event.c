/* Events of a script's connection, in both directions, and the acks that the script
 * gives. An event's text is read for each handler, so that each has its own copy; an
 * event that nobody wants is not read. A large one is read in slices inside the tasks of
 * its handlers, and the events behind it wait (connection_large.h). */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/box.h"
#include "bridge/luadecode.h"
#include "bridge/luaencode.h"
#include "bridge/luaerror.h"
#include "bridge/luajson.h"
#include "bridge/luaslices.h"
#include "core/jsonscan.h"
#include "proto/socketio.h"
#include "proto/socketio_check.h"
#include "resource/connection_event.h"
#include "resource/connection_fire.h"
#include "resource/connection_guest.h"
#include "resource/connection_large.h"
#include "resource/resource.h"
#include "vm/sliced.h"
#include "vm/vm.h"

/* --- acks from the script --------------------------------------------------------- */

static void release_ack(Box *box) {
  free(box->object);
}

static const BoxKind ack_kind = {"ack", release_ack};

typedef struct Ack {
  uint64_t connection; /* its number */
  uint32_t epoch;
  int64_t id;
} Ack;

/* The arguments from 1 on as an array; raises on what cannot be encoded. Borrows. */
static SocketData encode_args(lua_State *L, LuaBinaries *binaries) {
  Buffer *out = luajson_scratch(L);
  int wrong;
  Error err;
  if (luajson_encode_list(L, 1, lua_gettop(L), out, binaries, &wrong, &err) != 0) {
    if (wrong) luaL_error(L, "ack: argument %d: %s", wrong, err.message);
    luaL_error(L, "ack: %s", err.message);
  }
  return (SocketData){out->data, out->len, binaries->items, binaries->count};
}

/* Another script may answer only where it may send. */
static bool may_answer(const Connection *c, const Owner *owner) {
  return owner == c->res->owner ||
         ((ConnectionOptions *)c->res->options)->share >= GUEST_SENDS;
}

static int f_ack(lua_State *L) {
  Box *box = lua_touserdata(L, lua_upvalueindex(1));
  Ack *ack = box->object;
  if (!ack) return luaL_error(L, "this event was acknowledged already");
  LuaBinaries binaries;
  SocketData data = encode_args(L, &binaries);
  const Vm *vm = vm_of(L);
  Connection *c = connection_if_alive(vm->host, ack->connection);
  if (c && !may_answer(c, vm->owner))
    return luaL_error(L, "ack: the connection is not shared for that any more");
  Error err = {0};
  int rc = ERR_NOT_CONNECTED;
  if (c) rc = socket_ack(c->socket, ack->epoch, ack->id, &data, &err);
  else error_set(&err, ERR_NOT_CONNECTED, "the connection of this ack is closed");
  box_release(box);
  if (rc != 0) return luaerror_return(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static void push_ack(lua_State *L, const Connection *c, const HandlerCall *delivery) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  box_class(L, &ack_kind, none, NULL);
  Box *box = box_new(L, &ack_kind);
  Ack *ack = xmalloc(sizeof *ack);
  *ack = (Ack){c->number, delivery->epoch, delivery->ack};
  box->object = ack;
  lua_pushcclosure(L, f_ack, 1);
}

/* --- events ----------------------------------------------------------------------- */

typedef struct Payload {
  Connection *connection;
  HandlerCall delivery;
  const char *name;
  size_t name_len;
  char *own_name;   /* one that had escapes; NULL: it lies in the text */
  InFlight *flight; /* of the handlers that are called */
  uint64_t reader;  /* of the next handler: see connection_large.h */
  bool large, with_name, unreadable, readable;
} Payload;

/* It costs that event. */
static void log_unreadable(const Connection *c, const Error *err) {
  log_write(c->res->owner->host->log, LOG_ERROR, c->res->owner->name,
            "%s: an event is dropped: %s", c->res->name, err->message);
}

/* What is sent is shown as it was given: bytes as those that socket.binary marks. */
static LuaJsonList list_of(const Payload *p) {
  const SocketData *data = p->delivery.data;
  return (LuaJsonList){.text = data->json,
                       .len = data->len,
                       .skip = p->delivery.message ? 0 : 1,
                       .parts = data->bytes,
                       .count = data->count,
                       .marks = p->delivery.list == LIST_OUTGOING};
}

static int push_text(lua_State *L, Payload *p) {
  Error err;
  LuaJsonList list = list_of(p);
  int n = luajson_decode_list(L, &list, &err);
  if (n < 0 && !p->unreadable && p->connection->res) log_unreadable(p->connection, &err);
  if (n < 0) p->unreadable = true;
  return n;
}

static bool wants_ack(lua_State *L, const Payload *p) {
  const Connection *c = p->connection;
  return p->delivery.ack != SIO_NO_ACK && c->res && may_answer(c, vm_of(L)->owner);
}

static int push_event(lua_State *L, Payload *p) {
  int n = push_text(L, p);
  if (n < 0 || !wants_ack(L, p)) return n;
  push_ack(L, p->connection, &p->delivery);
  return n + 1;
}

static bool is_json(const Payload *p) {
  const Resource *res = p->connection->res;
  if (!p->delivery.message) return true;
  return res && ((ConnectionOptions *)res->options)->frames == FRAMES_JSON &&
         !p->delivery.binary;
}

static int push_message(lua_State *L, const Payload *p) {
  const SocketData *data = p->delivery.data;
  Error err;
  if (!is_json(p)) lua_pushlstring(L, data->json, data->len);
  else if (luajson_decode(L, data->json, data->len, &err) != 0)
    return luaL_error(L, "%s", err.message);
  lua_pushboolean(L, p->delivery.binary);
  return 2;
}

static int push_payload(lua_State *L, void *ctx) {
  Payload *p = ctx;
  if (p->with_name) lua_pushlstring(L, p->name, p->name_len);
  int n = p->delivery.message ? push_message(L, p) : push_event(L, p);
  return n < 0 ? n : n + p->with_name;
}

/* A text that was large has been read by a handler, or will not be. */
static void on_read(const LuaSlicesOver *over, const Error *err) {
  Connection *c = connection_if_alive(over->host, over->connection);
  if (!c || !c->res) return;
  if (err) log_unreadable(c, err);
  if (!over->owner) return;
  InFlight *f = over->owner == c->res->owner ? c->flight : guest_flight(c, over->owner);
  if (f && large_is_read(f, over->reader)) in_flight_look(f);
}

static LuaSlicesOver reading_over(const Payload *p) {
  LuaSlicesOver over = {.connection = p->connection->number, .reader = p->reader};
  if (!p->connection->res) return over;
  over.call = on_read;
  over.host = p->connection->res->owner->host;
  over.owner = p->reader ? p->flight->owner : NULL;
  return over;
}

/* For sliced_call: its kind, the name, what goes behind, the text. */
static int push_large(lua_State *L, void *ctx) {
  const Payload *p = ctx;
  bool message = p->delivery.message, behind = message || wants_ack(L, p);
  LuaJsonList list = list_of(p);
  lua_pushinteger(L, sliced_kind(behind, !message));
  if (p->with_name) lua_pushlstring(L, p->name, p->name_len);
  if (message) lua_pushboolean(L, p->delivery.binary);
  else if (behind) push_ack(L, p->connection, &p->delivery);
  luaslices_push(L, &list, message);
  luaslices_tell(L, -1, reading_over(p));
  return 2 + p->with_name + behind;
}

/* For the handler that is called next. */
static void *begin_reader(void *ctx, bool serial) {
  Payload *p = ctx;
  LargeReader *reader = large_begin(p->connection, p->flight, serial);
  p->reader = large_number(reader);
  return reader;
}

/* For a `once` handler. */
static bool can_push(void *ctx) {
  Payload *p = ctx;
  const SocketData *data = p->delivery.data;
  Error err;
  if (p->delivery.message || p->readable) return true;
  if (p->unreadable || !p->connection->res) return false;
  p->readable = sio_check_json(data->json, data->len, &err) == 0;
  p->unreadable = !p->readable;
  if (p->unreadable) log_unreadable(p->connection, &err);
  return p->readable;
}

/* One with escapes. */
static bool read_name(Payload *p, Error *err) {
  const SocketData *data = p->delivery.data;
  JsonScan scan;
  JsonSlice name;
  bool more;
  const char *at = json_scan_start(&scan, data->json, data->len);
  bool list = at < scan.end && *at == '[' && (at = json_open(&scan, at, ']', &more));
  if (list && more && at < scan.end && *at == '"' && json_scan_string(&scan, at, &name)) {
    p->name = p->own_name = xmalloc(name.len + 1);
    p->name_len = json_unescape(p->own_name, &name);
    return true;
  }
  if (sio_check_json(data->json, data->len, err) == 0)
    error_set(err, ERR_PROTOCOL, "an event is an array that starts with its name");
  return false;
}

/* False: it has none, which is logged. */
static bool find_name(Payload *p) {
  SioPacket packet = {.type = SIO_EVENT,
                      .json = p->delivery.data->json,
                      .json_len = p->delivery.data->len};
  Error err;
  if (sio_event_name(&packet, &p->name, &p->name_len) || read_name(p, &err)) return true;
  log_unreadable(p->connection, &err);
  return false;
}

/* A script that attached gets the event "gap" for events that it was too slow for: an
 * event of the server's of that name is for its handlers of any event alone. */
static bool is_gap(const Declaration *d, const Payload *p) {
  return d->attached && p->name_len == 3 && memcmp(p->name, "gap", 3) == 0;
}

static bool wants_payload(const Declaration *d, const Payload *p) {
  if (!connection_hears(d)) return false;
  if (p->delivery.list == LIST_OUTGOING) return handlers_want(&d->outgoing, NULL, 0);
  return is_gap(d, p) ? handlers_want(&d->handlers, NULL, 0)
                      : handlers_want(&d->handlers, p->name, p->name_len);
}

static bool anyone_wants(const Resource *res, const Payload *p) {
  for (const Declaration *d = res->decls; d; d = d->next_bound)
    if (wants_payload(d, p)) return true;
  return false;
}

static bool is_reserved(const Payload *p) {
  const Resource *res = p->connection->res;
  if (!sio_reserved(p->name, p->name_len)) return false;
  log_write(res->owner->host->log, LOG_WARN, res->owner->name,
            "%s: the server sent an event with the reserved name %.*s: dropped",
            res->name, (int)p->name_len, p->name);
  return true;
}

static Firing firing_of(Payload *p) {
  return (Firing){.push = p->large ? push_large : push_payload,
                  .done_for = p->large ? begin_reader : NULL,
                  .through = p->large ? sliced_call : NULL,
                  .can_push = can_push,
                  .ctx = p};
}

static void call_handlers(Connection *c, Declaration *d, InFlight *f, Payload *p) {
  Firing any = firing_of(p);
  any.any = true;
  p->with_name = true;
  connection_fire_for(c, d, f, p->delivery.list, &any);
  if (!c->res || p->delivery.list == LIST_OUTGOING || is_gap(d, p)) return;
  Firing named = firing_of(p);
  p->with_name = false;
  named.event = p->name;
  named.len = p->name_len;
  connection_fire_for(c, d, f, p->delivery.list, &named);
}

/* To the handlers of one script: those for any event first. */
static void fire_handlers(Connection *c, Declaration *d, InFlight *f, Payload *p) {
  p->flight = f;
  p->large = is_json(p) && p->delivery.data->len >= LUASLICES_FROM;
  p->reader = 0;
  in_flight_begin(f);
  call_handlers(c, d, f, p);
  in_flight_end(f);
}

/* False: it has no name that can be read. */
static bool read_payload(Payload *p) {
  p->name = "message";
  p->name_len = 7;
  return p->delivery.message || find_name(p);
}

static void deliver_to(Connection *c, Declaration *d, InFlight *f,
                       const HandlerCall *delivery) {
  Payload p = {.connection = c, .delivery = *delivery};
  if (read_payload(&p)) fire_handlers(c, d, f, &p);
  free(p.own_name);
}

static void fire_all(Connection *c, Payload *p) {
  c->firing++;
  for (Declaration *d = c->res->decls; d && c->res; d = d->next_bound) {
    if (!wants_payload(d, p)) continue;
    InFlight *f = c->flight;
    if (d->attached) f = guest_ready(c, d, &p->delivery, deliver_to);
    else if (p->delivery.list == LIST_OUTGOING) f = NULL;
    if (f || !d->attached) fire_handlers(c, d, f, p);
  }
  connection_unref(c);
}

static void take_payload(Connection *c, Payload *p) {
  if (read_payload(p) && anyone_wants(c->res, p) && !is_reserved(p)) fire_all(c, p);
  free(p->own_name);
}

void connection_on_event(void *ctx, const SocketData *data, int64_t ack) {
  Connection *c = ctx;
  Payload p = {.connection = c, .delivery = {LIST_EVENTS, .data = data, .ack = ack}};
  p.delivery.epoch = socket_epoch(c->socket);
  take_payload(c, &p);
}

void connection_on_message(void *ctx, bool binary, const char *data, size_t len) {
  Connection *c = ctx;
  SocketData bytes = {.json = data, .len = len};
  Payload p = {.connection = c,
               .delivery = {LIST_EVENTS, true, binary, &bytes, SIO_NO_ACK, 0}};
  if (read_payload(&p)) fire_all(c, &p);
}

/* --- what is not sent ------------------------------------------------------------- */

typedef struct Dropped {
  const char *event, *why;
  size_t len;
} Dropped;

static const char *why_dropped(ErrorCode why) {
  return why == ERR_EXPIRED     ? "expired"
         : why == ERR_ABORTED   ? "cleared"
         : why == ERR_TOO_LARGE ? "too large"
                                : "closed";
}

static int push_dropped(lua_State *L, void *ctx) {
  Dropped *d = ctx;
  lua_pushlstring(L, d->event, d->len);
  lua_pushstring(L, d->why);
  return 2;
}

void connection_on_dropped(void *ctx, ErrorCode why, const char *data, size_t len) {
  Connection *c = ctx;
  Dropped d = {"message", why_dropped(why), 7};
  SioPacket packet;
  Error ignored;
  bool plain = ((ConnectionOptions *)c->res->options)->net.protocol == SOCKET_WEBSOCKET;
  if (!plain && len && sio_parse(data + 1, len - 1, &packet, &ignored) == 0)
    sio_event_name(&packet, &d.event, &d.len);
  c->firing++;
  connection_fire(c, LIST_DROPS, &(Firing){.any = true, .push = push_dropped, .ctx = &d});
  connection_unref(c);
}

/* --- outgoing --------------------------------------------------------------------- */

typedef struct Outgoing {
  Event event;
  Host *host;
  uint64_t connection;
  Charge *charge; /* of who sent it; a reference */
  size_t size;
  SocketData data; /* copied into place */
  _Alignas(SioBytes) char place[];
} Outgoing;

static void on_outgoing(Event *event) {
  Outgoing *o = CONTAINER_OF(event, Outgoing, event);
  Connection *c = connection_if_alive(o->host, o->connection);
  Payload p = {.connection = c,
               .delivery = {LIST_OUTGOING, .data = &o->data, .ack = SIO_NO_ACK}};
  if (c && read_payload(&p)) fire_all(c, &p);
  free(p.own_name);
  charge_let_go(o->charge, o->size);
  free(o);
}

static bool is_heard_going_out(const Resource *res) {
  for (const Declaration *d = res->decls; d; d = d->next_bound)
    if (handlers_want(&d->outgoing, NULL, 0)) return true;
  return false;
}

/* The copy of it is charged to the script that sent it. */
static bool has_room(const Declaration *decl, size_t size) {
  const Owner *owner = decl->vm->owner;
  if (!charge_is_over(owner->charge, size)) return true;
  log_write(
      owner->host->log, LOG_WARN, owner->name,
      "%s: on_any_outgoing is not called for what is sent: the script holds as much as "
      "it may",
      decl->res->name);
  return false;
}

void connection_outgoing(const Declaration *decl, const SocketData *data) {
  const Resource *res = decl->res;
  size_t size = sizeof(Outgoing) + socket_data_room(data);
  if (!is_heard_going_out(res) || !has_room(decl, size)) return;
  Outgoing *o = xmalloc(size);
  const Connection *c = res->object;
  *o = (Outgoing){.event.run = on_outgoing,
                  .host = res->owner->host,
                  .connection = c->number,
                  .charge = charge_hold(decl->vm->owner->charge, size),
                  .size = size};
  o->data = socket_data_store(o->place, data);
  inbox_push(o->host->loop, &o->event);
}
