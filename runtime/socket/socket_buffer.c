/* What waits to be sent while there is no connection: packets in order, bounded in
 * number, bytes and age. One timer watches the oldest. */
#include "socket/socket_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "socket/socket_dispatch.h"
#include "socket/socket_incoming.h"
#include "socket/socket_link.h"

static void arm_age(Socket *s) {
  Loop *loop = net_loop(s->net);
  if (s->waiting)
    timer_start_at(loop, &s->age, s->waiting->since + s->options.buffer_age);
  else timer_stop(loop, &s->age);
}

static size_t cost_of(const Waiting *w) {
  return sizeof *w + w->len;
}

/* Takes one out; `at` is what points to it. */
static Waiting *take_waiting(Socket *s, Waiting **at) {
  Waiting *w = *at;
  *at = w->next;
  if (!w->next) s->last_waiting = at;
  s->waiting_count--;
  s->waiting_bytes -= w->len;
  charge_remove(s->options.charge, cost_of(w));
  return w;
}

static void withdraw_waiting(SocketCall *call) {
  Socket *s = call->socket;
  Waiting **at = &s->waiting;
  while (*at && (*at)->call != call) at = &(*at)->next;
  if (*at) free(take_waiting(s, at));
  arm_age(s);
}

int waiting_put(Socket *s, const SocketData *frames, bool binary, SocketCall *call,
                Error *err) {
  size_t len = socket_data_total(frames);
  if (s->waiting_count >= s->options.buffer_count ||
      s->waiting_bytes + len > s->options.buffer_bytes ||
      charge_is_full(s->options.charge, sizeof(Waiting) + len))
    return error_set(err, ERR_BUFFER_FULL,
                     "not connected, and %zu packets (%zu bytes) wait to be sent already",
                     s->waiting_count, s->waiting_bytes);
  Waiting *w = xmalloc(sizeof *w + socket_data_room(frames));
  *w = (Waiting){NULL, loop_now(net_loop(s->net)), call, binary, {0}, len};
  w->frames = socket_data_store(w->data, frames);
  *s->last_waiting = w;
  s->last_waiting = &w->next;
  s->waiting_count++;
  s->waiting_bytes += len;
  charge_add(s->options.charge, sizeof *w + len);
  if (call) call->withdraw = withdraw_waiting;
  if (s->waiting == w) arm_age(s);
  return 0;
}

static void drop_first(Socket *s, ErrorCode code) {
  Waiting *w = take_waiting(s, &s->waiting);
  if (w->call) {
    w->call->withdraw = NULL;
    call_fail(w->call, code);
  } else if (!s->freed) {
    incoming_push_dropped(s, w->frames.json, w->frames.len, code);
  }
  free(w);
}

static void send_first(Socket *s) {
  Waiting *w = take_waiting(s, &s->waiting);
  if (w->call) w->call->sent = true, w->call->withdraw = NULL;
  free(w);
}

/* The server's limit was not known when they were accepted. What is charged for it makes
 * room for what the connection is charged. */
static int send_waiting(Socket *s, const Waiting *w, Error *err) {
  int code = link_check_frames(s, &w->frames, err);
  if (code) return code;
  charge_remove(s->options.charge, cost_of(w));
  code = link_send_all(s, w->binary, &w->frames, SIZE_MAX);
  charge_add(s->options.charge, cost_of(w));
  return code;
}

void waiting_flush(Socket *s) {
  Log *log = loop_log(net_loop(s->net));
  while (s->waiting && s->engine) {
    Waiting *w = s->waiting;
    Error err;
    int code = send_waiting(s, w, &err);
    if (code == ERR_NOT_CONNECTED) break;
    if (code == 0) {
      send_first(s);
      continue;
    }
    log_write(log, LOG_WARN, "socket", "a packet of %zu bytes that waited is dropped: %s",
              w->len, error_meaning((ErrorCode)code));
    drop_first(s, (ErrorCode)code);
  }
  arm_age(s);
}

size_t waiting_drop_all(Socket *s, ErrorCode why) {
  size_t count = 0;
  for (; s->waiting; count++) drop_first(s, why);
  arm_age(s);
  return count;
}

void waiting_on_age(Timer *timer) {
  Socket *s = CONTAINER_OF(timer, Socket, age);
  double old = loop_now(net_loop(s->net)) - s->options.buffer_age;
  size_t dropped = 0;
  socket_enter(s);
  for (; s->waiting && s->waiting->since <= old; dropped++) drop_first(s, ERR_EXPIRED);
  if (dropped)
    log_write(loop_log(net_loop(s->net)), LOG_WARN, "socket",
              "%zu packets waited for a connection for more than %g seconds: dropped",
              dropped, s->options.buffer_age);
  arm_age(s);
  socket_leave(s);
}
