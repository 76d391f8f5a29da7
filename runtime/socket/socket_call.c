/* Calls: packets that want an ack. A call is in one place at a time: waiting (in the
 * buffer), in flight, failed (its `done` is due), or done; call->socket is NULL once
 * done. Each ends exactly once, in dispatch. Acks mostly come in order, so that looking
 * from the oldest on finds them at once. */
#include "socket/socket_call.h"

/* --- lists ------------------------------------------------------------------------ */

void call_list_append(CallList *list, SocketCall *call) {
  call->next = NULL;
  call->prev = list->last;
  if (list->last) list->last->next = call;
  else list->first = call;
  list->last = call;
}

void call_list_remove(CallList *list, SocketCall *call) {
  if (call->prev) call->prev->next = call->next;
  else list->first = call->next;
  if (call->next) call->next->prev = call->prev;
  else list->last = call->prev;
}

void call_withdraw(SocketCall *call) {
  void (*withdraw)(SocketCall *) = call->withdraw;
  call->withdraw = NULL;
  if (withdraw) withdraw(call);
}

/* Takes the call from wherever it is; its packet, too, if that was not sent. */
static void detach_call(SocketCall *call) {
  Socket *s = call->socket;
  timer_stop(net_loop(s->net), &call->timer);
  call_withdraw(call);
  call_list_remove(call->failed ? &s->failed : &s->in_flight, call);
  call->socket = NULL;
}

/* --- ends ------------------------------------------------------------------------- */

static bool is_ping(const SocketCall *call) {
  return call->socket->options.protocol == SOCKET_WEBSOCKET;
}

static const char *phase_of(const SocketCall *call) {
  return is_ping(call) ? "pong" : call->sent ? "ack" : "connect";
}

static const char *why_ping_failed(const SocketCall *call) {
  return call->failed == ERR_TIMEOUT ? "the server did not answer the ping in time"
                                     : "the connection was lost before the ping was "
                                       "answered";
}

static const char *why_failed(const SocketCall *call) {
  if (is_ping(call)) return why_ping_failed(call);
  switch (call->failed) {
  case ERR_TIMEOUT:
    return call->sent ? "the server did not acknowledge the call in time"
                      : "there was no connection in time to send the call on";
  case ERR_ABORTED:
    return "the call waited for a connection, and was cleared";
  case ERR_EXPIRED:
    return "the call waited for a connection for too long";
  case ERR_TOO_LARGE:
    return "the call is larger than the server takes";
  case ERR_CLOSED:
    return call->sent ? "the connection was lost before the server acknowledged the call"
                      : "the connection was closed before the call was sent";
  default:
    return error_meaning(call->failed);
  }
}

void call_finish_failed(SocketCall *call) {
  Error err;
  ErrorCode code = call->failed;
  error_set(&err, code, "%s", why_failed(call));
  if (!is_ping(call)) err.sent = call->sent ? SENT_UNKNOWN : SENT_NO;
  if (code == ERR_TIMEOUT) err.phase = phase_of(call);
  detach_call(call);
  call->done(call, NULL, &err);
}

static void forget_list(Socket *s, CallList *list) {
  SocketCall *call = list->first;
  *list = (CallList){0};
  for (SocketCall *next; call; call = next) {
    next = call->next;
    timer_stop(net_loop(s->net), &call->timer);
    if (call->resend) call->sent = true; /* as far as can be known */
    call->resend = NULL;
    call->withdraw = NULL;
    call->socket = NULL;
    if (call->dropped) call->dropped(call);
  }
}

void calls_forget(Socket *s) {
  forget_list(s, &s->in_flight);
  forget_list(s, &s->failed);
}

void calls_on_ack(Socket *s, int64_t id, const SocketData *reply) {
  SocketCall *call = s->in_flight.first;
  while (call && !(call->id == id && call->sent)) call = call->next;
  if (!call) {
    s->stats.late_acks++;
    log_write(loop_log(net_loop(s->net)), LOG_DEBUG, "socket",
              "an ack of no call that waits is ignored: %lld", (long long)id);
    return;
  }
  detach_call(call);
  call->done(call, reply, NULL);
}

/* --- pings ------------------------------------------------------------------------ */

/* They are all that is in flight of a plain WebSocket, the oldest first. */
bool calls_want_pong(const Socket *s, int64_t id) {
  return s->in_flight.first && s->in_flight.first->id <= id && id < s->next_id;
}

/* A peer may answer the last of several only (RFC 6455, 5.5.3). */
void calls_on_pong(Socket *s, int64_t id, double when) {
  static const SocketData nothing = {0};
  while (!s->freed && calls_want_pong(s, id)) {
    SocketCall *call = s->in_flight.first;
    detach_call(call);
    call->took = when - call->took;
    call->done(call, &nothing, NULL);
  }
}

void call_end(SocketCall *call, const SocketData *reply, const Error *err) {
  detach_call(call);
  call->done(call, reply, err);
}

void socket_call_cancel(SocketCall *call) {
  if (call->socket) detach_call(call);
}
