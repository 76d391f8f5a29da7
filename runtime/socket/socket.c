/* A Socket: a connection that lasts. It belongs to whoever made it; loop thread only.
 *
 * Two sides. The poll side (socket_link.c) speaks Engine.IO and Socket.IO with the
 * transport: it answers heartbeats at once and turns everything else into an
 * Incoming each (socket_incoming.c), which goes through the inbox. The dispatch side
 * (socket_deliver.c, socket_state.c) holds the state that others see and calls the
 * callbacks. So state changes, events and acks are delivered in the order in which they
 * came.
 *
 * Its files, lowest first; each calls only those before it: socket_packet,
 * socket_options, manager; socket_call, socket_dispatch, socket_incoming; socket_link;
 * socket_buffer; socket_send; socket_resend; socket_state; socket_deliver; and this one,
 * with the functions that others call.
 *
 * Links. Each attempt is a link with a number. A link ends by being lost (reported by a
 * message behind all that came before it) or by being cut, when this side wants no more
 * of it: then the number rises, and messages of the old one that still lie in the inbox
 * fall through.
 *
 * What calls from outside cause (socket_connect, socket_disconnect) is not delivered
 * within them, since they come from Lua: it is put off to an event of its own, or to the
 * next time that dispatch enters or leaves this socket, whichever is first. That keeps
 * the order, too.
 *
 * Callbacks may free the socket. socket_free ends everything at once; the memory stays
 * while dispatch is inside (`busy`) and while messages lie in the inbox. */
#include "socket/socket.h"

#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "socket/socket_buffer.h"
#include "socket/socket_call.h"
#include "socket/socket_deliver.h"
#include "socket/socket_dispatch.h"
#include "socket/socket_early.h"
#include "socket/socket_link.h"
#include "socket/socket_recovery.h"
#include "socket/socket_resend.h"
#include "socket/socket_send.h"
#include "socket/socket_state.h"
#include "proto/websocket.h"

enum { CLOSE_NORMAL = 1000 };

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
  s->last_change = &s->changes;
  s->last_waiting = &s->waiting;
  s->stall.last = &s->stall.first;
  s->resends_last = &s->resends_first;
  s->age.fire = waiting_on_age;
  s->deliver = socket_deliver;
  socket_options_copy(&s->options, options);
  socket_fill_options(&s->options);
  charge_ref(s->options.charge);
  s->form = (PacketForm){nsp, s->options.msgpack, s->options.charge};
  s->user = (ManagerUser){.events = &link_events, .nsp = nsp};
  s->manager = manager_use(net, &s->options, address, query, &s->user);
  return s;
}

static void say_goodbye(Socket *s, int code, const char *reason) {
  if (s->options.protocol == SOCKET_IO && s->joined)
    manager_disconnect(s->manager, &s->user);
  link_cut(s, code, reason);
  s->link++;
  timer_stop(net_loop(s->net), &s->reconnect_timer);
  pace_done(net_pace(s->net), &s->turn);
}

void socket_free(Socket *s) {
  if (!s || s->freed) return;
  s->freed = true;
  say_goodbye(s, CLOSE_NORMAL, NULL);
  manager_leave(s->manager, &s->user);
  calls_forget(s);
  resend_free_all(s);
  stall_free(s);
  for (Waiting *w = s->waiting; w; w = w->next) w->call = NULL;
  waiting_drop_all(s, ERR_CLOSED);
  while (s->changes) {
    StateChange *change = s->changes;
    s->changes = change->next;
    free(change);
  }
  socket_release(s);
}

/* --- from outside ----------------------------------------------------------------- */

void socket_connect(Socket *s) {
  if (s->state != SOCKET_IDLE && s->state != SOCKET_CLOSED) return;
  s->state = SOCKET_CONNECTING;
  s->failures = s->reconnects = 0;
  socket_change_later(s, SOCKET_CONNECTING, "", 0);
  socket_begin(s);
}

static void leave_server(Socket *s, SocketState after, const char *why, int code,
                         const char *reason) {
  SocketState before = s->state;
  bool said = s->options.protocol == SOCKET_WEBSOCKET && before == SOCKET_CONNECTED;
  say_goodbye(s, code, reason);
  s->state = after;
  socket_forget_id(s);
  recovery_forget(s);
  resend_drop_all(s, ERR_CLOSED, false);
  calls_fail_in_flight(s);
  waiting_drop_all(s, ERR_CLOSED);
  if (before != SOCKET_IDLE) socket_change_later(s, after, why, said ? code : 0);
}

static const char own_wish[] = "io client disconnect";

void socket_disconnect(Socket *s) {
  leave_server(s, SOCKET_IDLE, own_wish, CLOSE_NORMAL, NULL);
}

void socket_end(Socket *s, const char *reason) {
  if (s->state == SOCKET_IDLE || s->state == SOCKET_CLOSED) return;
  leave_server(s, SOCKET_CLOSED, reason, CLOSE_NORMAL, NULL);
}

void socket_give_time(Socket *s, double seconds) {
  if (timer_active(&s->attempt))
    timer_start_at(net_loop(s->net), &s->attempt, s->attempt.due + seconds);
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
  leave_server(s, SOCKET_IDLE, own_wish, code, reason);
  return 0;
}

void socket_retune(Socket *s, const SocketOptions *options) {
  Loop *loop = net_loop(s->net);
  socket_tune_options(&s->options, options);
  manager_retune(s->manager, &s->options);
  double latest = loop_now(loop) + s->options.max_delay;
  if (timer_active(&s->reconnect_timer) && s->reconnect_timer.due > latest)
    timer_start_at(loop, &s->reconnect_timer, latest);
}

SocketState socket_state(const Socket *s) {
  return s->state;
}

const char *socket_id(const Socket *s) {
  return s->id ? s->id : "";
}

const char *socket_transport(const Socket *s) {
  return link_transport(s);
}

const char *socket_subprotocol(const Socket *s) {
  const Engine *engine = s->state == SOCKET_CONNECTED ? s->engine : NULL;
  return engine ? engine_subprotocol(engine) : NULL;
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
         is_half(s->waiting_count + s->resend_count, o->buffer_count);
}

size_t socket_buffered(const Socket *s) {
  return s->waiting_bytes + s->resend_bytes + link_buffered(s);
}

SocketStats socket_stats(const Socket *s) {
  return s->stats;
}

size_t socket_clear(Socket *s) {
  return waiting_drop_all(s, ERR_ABORTED) + resend_drop_all(s, ERR_ABORTED, true);
}

/* --- sending: once, or until it is acknowledged ----------------------------------- */

int socket_emit(Socket *s, const SocketData *data, bool is_volatile, Error *err) {
  if (s->options.retries > 0 && !is_volatile) {
    int code = socket_check_event(s, data->json, data->len, err);
    return code ? code : resend_put(s, NULL, data, err);
  }
  return socket_put(s, data, is_volatile, NULL, err);
}

/* It is in the list before it can be tried, which may end it. */
static int call_until_acknowledged(Socket *s, SocketCall *call, const SocketData *data,
                                   double timeout, Error *err) {
  call->socket = s;
  call->id = -1; /* no ack is for it: its trials have ids */
  call->sent = false;
  call->failed = ERR_NONE;
  call->timer = (Timer){0};
  call->withdraw = NULL;
  call_begin(s, call, timeout);
  int code = resend_put(s, call, data, err);
  if (code) socket_call_cancel(call);
  return code;
}

int socket_call(Socket *s, SocketCall *call, const SocketData *data, double timeout,
                Error *err) {
  call->resend = NULL;
  int code = s->options.retries > 0 ? call_until_acknowledged(s, call, data, timeout, err)
                                    : call_start(s, call, data, timeout, err);
  if (code) err->sent = SENT_NO;
  return code;
}
