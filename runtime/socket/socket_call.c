/* Calls: packets that want an ack. A call is in one place at a time: waiting (in the
 * buffer), in flight, failed (to be told), or done; call->socket is NULL once done. Each
 * ends exactly once, in dispatch. Acks mostly come in order, so that looking from the
 * oldest on finds them at once. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "socket/socket_parts.h"

/* --- lists ------------------------------------------------------------------------ */

static void append(CallList *list, SocketCall *call) {
  call->next = NULL;
  call->prev = list->last;
  if (list->last) list->last->next = call;
  else list->first = call;
  list->last = call;
}

static void take_out(CallList *list, SocketCall *call) {
  if (call->prev) call->prev->next = call->next;
  else list->first = call->next;
  if (call->next) call->next->prev = call->prev;
  else list->last = call->prev;
}

/* Takes the call from wherever it is; its packet, too, if that was not sent. */
static void detach(SocketCall *call) {
  Socket *s = call->socket;
  timer_stop(net_loop(s->net), &call->timer);
  if (call->retry) retry_forget(call);
  else if (!call->failed && !call->sent) waiting_remove(s, call);
  take_out(call->failed ? &s->failed : &s->in_flight, call);
  call->socket = NULL;
}

/* --- ends ------------------------------------------------------------------------- */

static bool is_ping(const SocketCall *call) {
  return call->socket->options.protocol == SOCKET_WEBSOCKET;
}

static const char *phase_of(const SocketCall *call) {
  return is_ping(call) ? "pong" : call->sent ? "ack" : "connect";
}

static void finish_failed(SocketCall *call, const char *why, ErrorCode code) {
  Error err;
  error_set(&err, code, "%s", why);
  if (!is_ping(call)) err.sent = call->sent ? SENT_UNKNOWN : SENT_NO;
  if (code == ERR_TIMEOUT) err.phase = phase_of(call);
  detach(call);
  call->done(call, NULL, &err);
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

void calls_tell_failed(Socket *s) {
  while (s->failed.first && !s->freed) {
    SocketCall *call = s->failed.first;
    finish_failed(call, why_failed(call), call->failed);
  }
}

/* The packet of a waiting call has been taken out of the buffer by the caller. */
void call_fail(SocketCall *call, ErrorCode code) {
  Socket *s = call->socket;
  timer_stop(net_loop(s->net), &call->timer);
  take_out(&s->in_flight, call);
  call->failed = code;
  append(&s->failed, call);
  socket_wake(s);
}

/* Those that wait stay: they will be sent on the next connection. */
void calls_fail_in_flight(Socket *s) {
  for (SocketCall *call = s->in_flight.first, *next; call; call = next) {
    next = call->next;
    if (call->sent) call_fail(call, ERR_CLOSED);
  }
}

/* It is marked before dispatch enters, for what is told then may cancel and free it. */
static void on_timeout(Timer *timer) {
  SocketCall *call = CONTAINER_OF(timer, SocketCall, timer);
  Socket *s = call->socket;
  if (call->retry) retry_forget(call);
  else if (!call->sent) waiting_remove(s, call);
  call_fail(call, ERR_TIMEOUT);
  socket_enter(s);
  socket_leave(s);
}

static void forget(Socket *s, CallList *list) {
  SocketCall *call = list->first;
  *list = (CallList){0};
  for (SocketCall *next; call; call = next) {
    next = call->next;
    timer_stop(net_loop(s->net), &call->timer);
    if (call->retry) call->sent = true; /* as far as can be known */
    call->retry = NULL;
    call->socket = NULL;
    if (call->dropped) call->dropped(call);
  }
}

void calls_forget(Socket *s) {
  forget(s, &s->in_flight);
  forget(s, &s->failed);
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
  detach(call);
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
    detach(call);
    call->took = when - call->took;
    call->done(call, &nothing, NULL);
  }
}

/* --- from outside ----------------------------------------------------------------- */

void call_end(SocketCall *call, const SocketData *reply, const Error *err) {
  detach(call);
  call->done(call, reply, err);
}

static void begin(Socket *s, SocketCall *call, double timeout) {
  append(&s->in_flight, call);
  if (!isinf(timeout)) timer_start(net_loop(s->net), &call->timer, timeout);
}

int socket_ping(Socket *s, SocketCall *call, double timeout, Error *err) {
  char id[24];
  if (s->options.protocol != SOCKET_WEBSOCKET)
    return error_set(err, ERR_UNSUPPORTED, "Socket.IO has no pings of ours");
  if (s->state != SOCKET_CONNECTED || !s->linked)
    return error_set(err, ERR_NOT_CONNECTED, "not connected");
  int len = snprintf(id, sizeof id, "%lld", (long long)s->next_id);
  int code = manager_ping(s->manager, id, (size_t)len);
  if (code) return error_set(err, (ErrorCode)code, "%s", error_meaning((ErrorCode)code));
  *call = (SocketCall){.done = call->done,
                       .dropped = call->dropped,
                       .socket = s,
                       .id = s->next_id++,
                       .timer.fire = on_timeout,
                       .sent = true,
                       .took = loop_now(net_loop(s->net))};
  begin(s, call, timeout);
  return 0;
}

int call_start(Socket *s, SocketCall *call, const SocketData *data, double timeout,
               Error *err) {
  call->socket = s;
  call->id = s->next_id;
  call->sent = false;
  call->failed = ERR_NONE;
  call->timer = (Timer){.fire = on_timeout};
  int code = socket_put(s, data, call, err);
  if (code) {
    call->socket = NULL;
    return code;
  }
  s->next_id++;
  begin(s, call, timeout);
  return 0;
}

/* It is in the list before it can be tried, which may end it. */
static int call_with_retries(Socket *s, SocketCall *call, const SocketData *data,
                             double timeout, Error *err) {
  call->socket = s;
  call->id = -1; /* no ack is for it: its trials have ids */
  call->sent = false;
  call->failed = ERR_NONE;
  call->timer = (Timer){.fire = on_timeout};
  begin(s, call, timeout);
  int code = retry_put(s, call, data, err);
  if (code) detach(call);
  return code;
}

int socket_call(Socket *s, SocketCall *call, const SocketData *data, double timeout,
                Error *err) {
  call->retry = NULL;
  int code = s->options.retries > 0 ? call_with_retries(s, call, data, timeout, err)
                                    : call_start(s, call, data, timeout, err);
  if (code) err->sent = SENT_NO;
  return code;
}

void socket_call_cancel(SocketCall *call) {
  if (call->socket) detach(call);
}
