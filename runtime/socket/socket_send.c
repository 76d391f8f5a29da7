/* What goes out of a Socket: events, acks, frames, calls and pings, each once. */
#include "socket/socket_send.h"

#include <math.h>
#include <stdio.h>

#include "core/utf8.h"
#include "socket/socket_buffer.h"
#include "socket/socket_call.h"
#include "socket/socket_dispatch.h"
#include "socket/socket_incoming.h"
#include "socket/socket_link.h"

/* --- packets ---------------------------------------------------------------------- */

/* A packet is copied twice on its way out. */
static int check_memory(const Socket *s, size_t len, Error *err) {
  if (!charge_is_over(s->options.charge, 2 * len)) return 0;
  return error_set(err, ERR_BUFFER_FULL,
                   "a packet of %zu bytes: its script holds as much as it may", len);
}

static int send_now(Socket *s, const SocketData *frames, bool binary, size_t most,
                    Error *err) {
  int code = link_check_frames(s, frames, err);
  if (code) return code;
  code = link_send_all(s, binary, frames, most);
  if (code) error_set(err, (ErrorCode)code, "%s", error_meaning((ErrorCode)code));
  return code;
}

/* A peer that reads slowly is felt here, before the memory of the process is: whatever
 * else is wrong with a packet, that counts first. */
static int name_failure(const Socket *s, size_t len, int code, Error *err) {
  size_t waits = link_buffered(s);
  if (waits == 0 || waits + len <= s->options.send_buffer) return code;
  return error_set(err, ERR_BACKPRESSURE,
                   "%zu bytes are on their way already, more than the server takes",
                   waits);
}

/* Sends a packet, or lets it wait. The link may be lost without dispatch knowing it yet:
 * then it waits as well. */
static int put_packet(Socket *s, const SocketData *frames, bool binary, bool is_volatile,
                      SocketCall *call, Error *err) {
  if (s->state == SOCKET_CLOSED)
    return error_set(err, ERR_NOT_CONNECTED, "the connection is closed");
  if (s->state == SOCKET_CONNECTED) {
    int code = send_now(s, frames, binary, s->options.send_buffer, err);
    if (code) code = name_failure(s, socket_data_total(frames), code, err);
    if (code == 0 && call) call->sent = true;
    bool full = code == ERR_BUFFER_FULL || code == ERR_BACKPRESSURE;
    if (full && is_volatile) return 0;
    if (code != ERR_NOT_CONNECTED) return code;
  }
  if (is_volatile) return 0;
  if (!binary && !utf8_valid(frames->json, frames->len))
    return error_set(err, ERR_DECODE, "text to be sent must be UTF-8");
  return waiting_put(s, frames, binary, call, err);
}

int socket_check_event(const Socket *s, const char *json, size_t len, Error *err) {
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

int socket_put(Socket *s, const SocketData *data, bool is_volatile, SocketCall *call,
               Error *err) {
  Buffer out = {0};
  int code = socket_check_event(s, data->json, data->len, err);
  if (code) return code;
  code = check_memory(s, socket_data_total(data), err);
  if (code) return is_volatile ? 0 : code;
  SocketData frames;
  code = packet_encode(s->form, SIO_EVENT, call ? call->id : SIO_NO_ACK, data, &out,
                       &frames, err);
  if (!code) code = put_packet(s, &frames, s->options.msgpack, is_volatile, call, err);
  buffer_free(&out);
  return code;
}

int socket_ack(Socket *s, uint32_t epoch, int64_t ack, const SocketData *data,
               Error *err) {
  Buffer out = {0};
  if (epoch != s->epoch || s->state != SOCKET_CONNECTED || !s->engine) return 0;
  SocketData frames;
  if (check_memory(s, socket_data_total(data), err) != 0) return (int)err->code;
  int code = packet_encode(s->form, SIO_ACK, ack, data, &out, &frames, err);
  if (!code) code = send_now(s, &frames, s->options.msgpack, SIZE_MAX, err);
  buffer_free(&out);
  return code == ERR_NOT_CONNECTED ? 0 : code;
}

int socket_send(Socket *s, bool binary, const char *data, size_t len, bool is_volatile,
                Error *err) {
  SocketData frame = {.json = data, .len = len};
  if (s->options.protocol != SOCKET_WEBSOCKET)
    return error_set(err, ERR_UNSUPPORTED, "Socket.IO sends events and not frames");
  return put_packet(s, &frame, binary, is_volatile, NULL, err);
}

/* --- calls ------------------------------------------------------------------------ */

/* It is marked before dispatch enters, for what is delivered then may cancel and free it.
 */
static void on_timeout(Timer *timer) {
  SocketCall *call = CONTAINER_OF(timer, SocketCall, timer);
  Socket *s = call->socket;
  call_withdraw(call);
  call_fail(call, ERR_TIMEOUT);
  socket_enter(s);
  socket_leave(s);
}

void call_begin(Socket *s, SocketCall *call, double timeout) {
  call->timer.fire = on_timeout;
  call_list_append(&s->in_flight, call);
  if (!isinf(timeout)) timer_start(net_loop(s->net), &call->timer, timeout);
}

int socket_ping(Socket *s, SocketCall *call, double timeout, Error *err) {
  char id[24];
  if (s->options.protocol != SOCKET_WEBSOCKET)
    return error_set(err, ERR_UNSUPPORTED, "Socket.IO has no pings of ours");
  if (s->state != SOCKET_CONNECTED || !s->engine)
    return error_set(err, ERR_NOT_CONNECTED, "not connected");
  int len = snprintf(id, sizeof id, "%lld", (long long)s->next_id);
  int code = engine_ping(s->engine, id, (size_t)len);
  if (code) return error_set(err, (ErrorCode)code, "%s", error_meaning((ErrorCode)code));
  *call = (SocketCall){.done = call->done,
                       .dropped = call->dropped,
                       .socket = s,
                       .id = s->next_id++,
                       .sent = true,
                       .took = loop_now(net_loop(s->net))};
  call_begin(s, call, timeout);
  return 0;
}

int call_start(Socket *s, SocketCall *call, const SocketData *data, double timeout,
               Error *err) {
  call->socket = s;
  call->id = s->next_id;
  call->sent = false;
  call->failed = ERR_NONE;
  call->withdraw = NULL;
  call->timer = (Timer){0};
  int code = socket_put(s, data, false, call, err);
  if (code) {
    call->socket = NULL;
    return code;
  }
  s->next_id++;
  call_begin(s, call, timeout);
  return 0;
}
