/* A Socket: a connection that lasts. It belongs to whoever made it; loop thread only.
 *
 * Two sides. The poll side (socket_link.c) speaks Engine.IO and Socket.IO with the
 * transport: it answers heartbeats at once and turns everything else into notes
 * (socket_note.c), which go through the inbox. The dispatch side (socket_state.c) holds
 * the state that others see and calls the callbacks. So state changes, events and acks
 * are told in the order in which they came.
 *
 * Links. Each attempt is a link with a number. A link ends by being lost (reported by a
 * note behind all that came before it) or by being cut, when this side wants no more of
 * it: then the number rises, and notes of the old one that still lie in the inbox fall
 * through.
 *
 * What calls from outside cause (socket_connect, socket_disconnect) is not told within
 * them, since they come from Lua: it is put off to an event of its own, or to the next
 * time that dispatch enters or leaves this socket, whichever is first. That keeps the
 * order, too.
 *
 * Callbacks may free the socket. socket_free ends everything at once; the memory stays
 * while dispatch is inside (`busy`) and while notes lie in the inbox. */
#include "socket/socket.h"

#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "socket/socket_parts.h"
#include "proto/websocket.h"

enum { CLOSE_NORMAL = 1000, MOST_TELLS = 1000 };

/* --- in dispatch ------------------------------------------------------------------ */

static void tell_next(Socket *s) {
  Tell *tell = s->tells;
  SocketInfo info = {.reason = tell->reason, .code = tell->code};
  SocketState state = tell->state;
  s->tells = tell->next;
  if (!s->tells) s->last_tell = &s->tells;
  s->tell_count--;
  free(tell);
  s->callbacks.state(s->ctx, state, &info);
}

/* Those that there are now: what a callback adds waits for the next time, so that one
 * that connects and disconnects at each state holds nobody up. */
static void tell_all(Socket *s) {
  if (s->busy > 1) return;
  calls_tell_failed(s);
  for (int count = s->tell_count; count > 0 && s->tells && !s->freed; count--) {
    tell_next(s);
    calls_tell_failed(s);
  }
}

void socket_enter(Socket *s) {
  s->busy++;
  tell_all(s);
}

void socket_leave(Socket *s) {
  tell_all(s);
  s->busy--;
  if (s->tells && !s->freed) socket_wake(s);
  socket_release(s);
}

static void on_tell(Event *event) {
  Socket *s = CONTAINER_OF(event, Socket, tell_event);
  s->tell_queued = false;
  socket_enter(s);
  socket_leave(s);
}

void socket_wake(Socket *s) {
  if (s->busy || s->tell_queued) return;
  s->tell_queued = true;
  s->tell_event.run = on_tell;
  inbox_push(net_loop(s->net), &s->tell_event);
}

/* Of more than MOST_TELLS that wait the last one counts. */
void socket_tell_later(Socket *s, SocketState state, const char *reason, int code) {
  Tell told = {NULL, state, reason, code};
  if (s->tell_count >= MOST_TELLS) {
    *CONTAINER_OF(s->last_tell, Tell, next) = told;
    return;
  }
  Tell *tell = xmalloc(sizeof *tell);
  *tell = told;
  *s->last_tell = tell;
  s->last_tell = &tell->next;
  s->tell_count++;
  socket_wake(s);
}

/* --- life ------------------------------------------------------------------------- */

Socket *socket_new(Net *net, const SocketOptions *options,
                   const SocketCallbacks *callbacks, void *ctx, Error *err) {
  char *address, *query, *nsp;
  if (socket_address(options, &address, &query, &nsp, err) != 0) return NULL;
  Socket *s = xcalloc(1, sizeof *s);
  s->net = net;
  s->callbacks = *callbacks;
  s->ctx = ctx;
  s->nsp = nsp;
  early_init(&s->early);
  s->last_tell = &s->tells;
  s->last_waiting = &s->waiting;
  s->stall.last = &s->stall.first;
  s->retries_last = &s->retries_first;
  s->age.fire = waiting_on_age;
  socket_options_copy(&s->options, options);
  socket_fill_options(&s->options);
  charge_ref(s->options.charge);
  s->form = (PacketForm){nsp, s->options.msgpack};
  s->user = (ManagerUser){.events = &link_events, .nsp = nsp};
  s->manager = manager_use(net, &s->options, address, query, &s->user);
  return s;
}

void socket_forget_id(Socket *s) {
  free(s->id);
  s->id = NULL;
}

void socket_release(Socket *s) {
  if (!s->freed || s->busy || s->notes || s->tell_queued || s->stall.queued) return;
  charge_unref(s->options.charge);
  socket_options_free(&s->options);
  recovery_forget(s);
  socket_forget_id(s);
  free(s->nsp);
  free(s);
}

static void say_goodbye(Socket *s, int code, const char *reason) {
  if (s->options.protocol == SOCKET_IO && s->joined)
    manager_disconnect(s->manager, &s->user);
  link_cut(s, code, reason);
  s->link++;
  timer_stop(net_loop(s->net), &s->retry);
  pace_done(net_pace(s->net), &s->turn);
}

void socket_free(Socket *s) {
  if (!s || s->freed) return;
  s->freed = true;
  say_goodbye(s, CLOSE_NORMAL, NULL);
  manager_leave(s->manager, &s->user);
  calls_forget(s);
  retry_free_all(s);
  stall_free(s);
  for (Waiting *w = s->waiting; w; w = w->next) w->call = NULL;
  waiting_drop_all(s, ERR_CLOSED);
  while (s->tells) {
    Tell *tell = s->tells;
    s->tells = tell->next;
    free(tell);
  }
  socket_release(s);
}

/* --- from outside ----------------------------------------------------------------- */

void socket_connect(Socket *s) {
  if (s->state != SOCKET_IDLE && s->state != SOCKET_CLOSED) return;
  s->state = SOCKET_CONNECTING;
  s->failures = s->retries = 0;
  socket_tell_later(s, SOCKET_CONNECTING, "", 0);
  socket_begin(s);
}

static void leave(Socket *s, int code, const char *reason) {
  SocketState before = s->state;
  bool said = s->options.protocol == SOCKET_WEBSOCKET && before == SOCKET_CONNECTED;
  say_goodbye(s, code, reason);
  s->state = SOCKET_IDLE;
  socket_forget_id(s);
  recovery_forget(s);
  retry_drop_all(s, ERR_CLOSED, false);
  calls_fail_in_flight(s);
  waiting_drop_all(s, ERR_CLOSED);
  if (before != SOCKET_IDLE)
    socket_tell_later(s, SOCKET_IDLE, "io client disconnect", said ? code : 0);
}

void socket_disconnect(Socket *s) {
  leave(s, CLOSE_NORMAL, NULL);
}

int socket_close(Socket *s, int code, const char *reason, Error *err) {
  size_t len = reason ? strlen(reason) : 0;
  if (s->options.protocol != SOCKET_WEBSOCKET)
    return error_set(err, ERR_UNSUPPORTED, "Socket.IO has no close codes");
  if (code != CLOSE_NORMAL && (code < 3000 || code > 4999))
    return error_set(err, ERR_INVALID, "a close code is 1000, or 3000 to 4999");
  if (len > WS_MAX_REASON)
    return error_set(err, ERR_INVALID, "a close reason has %d bytes at most",
                     WS_MAX_REASON);
  if (!utf8_valid(reason, len))
    return error_set(err, ERR_INVALID, "a close reason must be UTF-8");
  leave(s, code, reason);
  return 0;
}

void socket_retune(Socket *s, const SocketOptions *options) {
  Loop *loop = net_loop(s->net);
  socket_tune_options(&s->options, options);
  manager_retune(s->manager, &s->options);
  double latest = loop_now(loop) + s->options.max_delay;
  if (timer_active(&s->retry) && s->retry.due > latest)
    timer_start_at(loop, &s->retry, latest);
}

SocketState socket_state(const Socket *s) {
  return s->state;
}

const char *socket_id(const Socket *s) {
  return s->id ? s->id : "";
}

const char *socket_transport(const Socket *s) {
  const Engine *engine = s->linked ? manager_engine(s->manager) : NULL;
  return engine && engine_is_open(engine) ? engine_transport(engine) : NULL;
}

const char *socket_subprotocol(const Socket *s) {
  bool connected = s->linked && s->state == SOCKET_CONNECTED;
  return connected ? engine_subprotocol(manager_engine(s->manager)) : NULL;
}

bool socket_recovered(const Socket *s) {
  return s->recovery.given;
}

uint32_t socket_epoch(const Socket *s) {
  return s->stall.epoch ? s->stall.epoch : s->epoch;
}

static bool is_half(size_t part, size_t whole) {
  return part > 0 && part >= whole / 2;
}

bool socket_is_half_full(const Socket *s) {
  const SocketOptions *o = &s->options;
  size_t room = s->state == SOCKET_CONNECTED ? o->send_buffer : o->buffer_bytes;
  return is_half(socket_buffered(s), room) ||
         is_half(s->waiting_count + s->retry_count, o->buffer_count);
}

size_t socket_buffered(const Socket *s) {
  return s->waiting_bytes + s->retry_bytes +
         (s->linked ? manager_buffered(s->manager) : 0);
}

SocketStats socket_stats(const Socket *s) {
  return s->stats;
}

size_t socket_clear(Socket *s) {
  return waiting_drop_all(s, ERR_ABORTED) + retry_drop_all(s, ERR_ABORTED, true);
}

/* --- sending ---------------------------------------------------------------------- */

static int check_size(const Socket *s, size_t len, Error *err) {
  if (!s->max_payload || len <= s->max_payload) return 0;
  return error_set(err, ERR_TOO_LARGE,
                   "a packet of %zu bytes: the server takes %zu at most", len,
                   s->max_payload);
}

/* Over polling, bytes go as base64. */
static size_t size_of_bytes(const Socket *s, size_t len) {
  const char *transport = socket_transport(s);
  bool encoded = transport && strcmp(transport, "polling") == 0;
  return encoded ? 1 + (len + 2) / 3 * 4 : len;
}

int check_frames(const Socket *s, const SocketData *frames, Error *err) {
  int code = check_size(s, frames->len, err);
  for (int i = 0; code == 0 && i < frames->count; i++)
    code = check_size(s, size_of_bytes(s, frames->bytes[i].len), err);
  return code;
}

/* A packet is copied twice on its way out. */
static int check_memory(const Socket *s, size_t len, Error *err) {
  if (!charge_is_over(s->options.charge, 2 * len)) return 0;
  return error_set(err, ERR_BUFFER_FULL,
                   "a packet of %zu bytes: its script holds as much as it may", len);
}

/* A peer that reads slowly is felt here, before the memory of the process is. */
static int check_pressure(const Socket *s, size_t len, Error *err) {
  size_t waits = s->linked ? manager_buffered(s->manager) : 0;
  if (waits == 0 || waits + len <= s->options.send_buffer) return 0;
  return error_set(err, ERR_BACKPRESSURE,
                   "%zu bytes are on their way already, more than the server takes",
                   waits);
}

static int send_now(Socket *s, const SocketData *frames, bool binary, Error *err) {
  int code = check_frames(s, frames, err);
  if (code) return code;
  code = link_send_all(s, binary, frames);
  if (code) error_set(err, (ErrorCode)code, "%s", error_meaning((ErrorCode)code));
  return code;
}

/* Sends a packet, or lets it wait. The link may be lost without dispatch knowing it yet:
 * then it waits as well. */
static int put(Socket *s, const SocketData *frames, bool binary, bool is_volatile,
               SocketCall *call, Error *err) {
  if (s->state == SOCKET_CLOSED)
    return error_set(err, ERR_NOT_CONNECTED, "the connection is closed");
  if (s->state == SOCKET_CONNECTED) {
    int pressed = check_pressure(s, socket_data_total(frames), err);
    if (pressed) return is_volatile ? 0 : pressed;
    int code = send_now(s, frames, binary, err);
    if (code == 0 && call) call->sent = true;
    if (code == ERR_BUFFER_FULL && is_volatile) return 0;
    if (code != ERR_NOT_CONNECTED) return code;
  }
  if (is_volatile) return 0;
  if (!binary && !utf8_valid(frames->json, frames->len))
    return error_set(err, ERR_DECODE, "text to be sent must be UTF-8");
  return waiting_put(s, frames, binary, call, err);
}

static int check_event(const Socket *s, const char *json, size_t len, Error *err) {
  SioPacket packet = {.type = SIO_EVENT, .json = json, .json_len = len};
  const char *name;
  size_t name_len;
  if (s->options.protocol != SOCKET_IO)
    return error_set(err, ERR_UNSUPPORTED, "a plain WebSocket has no events");
  if (sio_event_name(&packet, &name, &name_len) && sio_reserved(name, name_len))
    return error_set(err, ERR_INVALID, "the event name %.*s is reserved", (int)name_len,
                     name);
  return 0;
}

static int put_event(Socket *s, const SocketData *data, bool is_volatile,
                     SocketCall *call, Error *err) {
  Buffer out = {0};
  int code = check_event(s, data->json, data->len, err);
  if (code) return code;
  code = check_memory(s, socket_data_total(data), err);
  if (code) return is_volatile ? 0 : code;
  SocketData frames;
  code = packet_encode(s->form, SIO_EVENT, call ? call->id : SIO_NO_ACK, data, &out,
                       &frames, err);
  if (!code) code = put(s, &frames, s->options.msgpack, is_volatile, call, err);
  buffer_free(&out);
  return code;
}

int socket_put(Socket *s, const SocketData *data, SocketCall *call, Error *err) {
  return put_event(s, data, false, call, err);
}

int socket_emit(Socket *s, const SocketData *data, bool is_volatile, Error *err) {
  if (s->options.retries > 0 && !is_volatile) {
    int code = check_event(s, data->json, data->len, err);
    return code ? code : retry_put(s, NULL, data, err);
  }
  return put_event(s, data, is_volatile, NULL, err);
}

int socket_ack(Socket *s, uint32_t epoch, int64_t ack, const SocketData *data,
               Error *err) {
  Buffer out = {0};
  if (epoch != s->epoch || s->state != SOCKET_CONNECTED || !s->linked) return 0;
  SocketData frames;
  if (check_memory(s, socket_data_total(data), err) != 0) return (int)err->code;
  int code = packet_encode(s->form, SIO_ACK, ack, data, &out, &frames, err);
  if (!code) code = send_now(s, &frames, s->options.msgpack, err);
  buffer_free(&out);
  return code == ERR_NOT_CONNECTED ? 0 : code;
}

int socket_send(Socket *s, bool binary, const char *data, size_t len, bool is_volatile,
                Error *err) {
  SocketData frame = {.json = data, .len = len};
  if (s->options.protocol != SOCKET_WEBSOCKET)
    return error_set(err, ERR_UNSUPPORTED, "Socket.IO sends events and not frames");
  return put(s, &frame, binary, is_volatile, NULL, err);
}
