/* Sending again: with the option `retries` set, events and calls go out one at a time, in
 * the order in which they were given, each until the server has acknowledged it; one that
 * was not, or whose connection broke, is sent again, `retries` times at most. So the
 * server may see one more than once, and never two in the wrong order.
 *
 * The one at the head has an attempt under way (`trial`, a call of its own with
 * ack_timeout) while there is a connection. Whoever waits for the reply (`call`) stands
 * in the list of calls in flight, marked by call->resend; it may be cancelled or time out
 * meanwhile, which takes its entry out. */
#include "socket/socket_resend.h"

#include <stdlib.h>
#include <string.h>

#include "socket/socket_call.h"
#include "socket/socket_dispatch.h"
#include "socket/socket_incoming.h"
#include "socket/socket_send.h"

struct Resend {
  Socket *socket;
  SocketCall trial;
  SocketCall *call; /* NULL: an event */
  Resend *next;
  int tries;
  bool running;
  SocketData payload; /* in data */
  size_t len;
  _Alignas(SioBytes) char data[];
};

/* --- the queue -------------------------------------------------------------------- */

static void take_out(Resend *r) {
  Socket *s = r->socket;
  Resend **at = &s->resends_first;
  while (*at != r) at = &(*at)->next;
  *at = r->next;
  if (!r->next) s->resends_last = at;
  s->resend_count--;
  s->resend_bytes -= r->len;
  charge_remove(s->options.charge, sizeof *r + r->len);
}

static void release_resend(Resend *r) {
  if (r->running) socket_call_cancel(&r->trial);
  take_out(r);
  free(r);
}

/* --- the end of one --------------------------------------------------------------- */

static void push_dropped(Socket *s, const Resend *r, ErrorCode why) {
  Buffer packet = {0};
  s->stats.dropped++;
  sio_encode(&packet, SIO_EVENT, s->nsp, SIO_NO_ACK, r->payload.json, r->payload.len);
  incoming_push(s, INCOMING_DROPPED, why, packet.data, packet.len);
  buffer_free(&packet);
}

/* In dispatch. The reply, or why there is none. */
static void finish_resend(Resend *r, const SocketData *reply, const Error *err) {
  Socket *s = r->socket;
  SocketCall *call = r->call;
  if (!call && err) push_dropped(s, r, err->code);
  release_resend(r);
  if (call) {
    call->resend = NULL;
    call->withdraw = NULL;
    call_end(call, reply, err);
  }
}

/* --- attempts --------------------------------------------------------------------- */

static void on_tried(SocketCall *trial, const SocketData *reply, const Error *err) {
  Resend *r = CONTAINER_OF(trial, Resend, trial);
  Socket *s = r->socket;
  r->running = false;
  if (!err || r->tries > s->options.retries) finish_resend(r, reply, err);
  if (!s->freed) resend_pump(s);
}

void resend_pump(Socket *s) {
  Error err;
  while (s->resends_first && !s->resends_first->running && s->state == SOCKET_CONNECTED) {
    Resend *r = s->resends_first;
    r->trial = (SocketCall){.done = on_tried};
    int code = call_start(s, &r->trial, &r->payload, s->options.ack_timeout, &err);
    if (code == ERR_NOT_CONNECTED) return;
    if (code) {
      err.sent = SENT_NO;
      finish_resend(r, NULL, &err);
      continue;
    }
    r->running = true;
    r->tries++;
  }
}

/* --- from outside ----------------------------------------------------------------- */

static int check_room(const Socket *s, size_t len, Error *err) {
  if (s->state == SOCKET_CLOSED)
    return error_set(err, ERR_NOT_CONNECTED, "the connection is closed");
  if (s->resend_count < s->options.buffer_count &&
      len <= s->options.buffer_bytes - s->resend_bytes &&
      !charge_is_full(s->options.charge, sizeof(Resend) + len))
    return 0;
  return error_set(err, ERR_BUFFER_FULL,
                   "%zu events (%zu bytes) wait to be acknowledged already",
                   s->resend_count, s->resend_bytes);
}

/* Its call is over, from outside. */
static void withdraw_resend(SocketCall *call) {
  Resend *r = call->resend;
  Socket *s = r->socket;
  call->sent = r->tries > 0;
  call->resend = NULL;
  release_resend(r);
  if (!s->freed) resend_pump(s);
}

int resend_put(Socket *s, SocketCall *call, const SocketData *data, Error *err) {
  size_t len = socket_data_total(data);
  int code = check_room(s, len, err);
  if (code) return code;
  Resend *r = xmalloc(sizeof *r + socket_data_room(data));
  *r = (Resend){.socket = s, .call = call, .len = len};
  r->payload = socket_data_store(r->data, data);
  *s->resends_last = r;
  s->resends_last = &r->next;
  s->resend_count++;
  s->resend_bytes += len;
  charge_add(s->options.charge, sizeof *r + len);
  if (call) call->resend = r, call->withdraw = withdraw_resend;
  resend_pump(s);
  return 0;
}

/* The socket goes, and calls_forget has seen to the calls. */
void resend_free_all(Socket *s) {
  while (s->resends_first) {
    Resend *r = s->resends_first;
    take_out(r);
    free(r);
  }
}

size_t resend_drop_all(Socket *s, ErrorCode why, bool untried) {
  size_t count = 0;
  for (Resend *r = s->resends_first, *next; r; r = next) {
    next = r->next;
    if (untried && r->tries > 0) continue;
    SocketCall *call = r->call;
    if (call) {
      call->sent = r->tries > 0;
      call->resend = NULL;
      call->withdraw = NULL;
      call_fail(call, why);
    } else if (!s->freed) {
      push_dropped(s, r, why);
    }
    release_resend(r);
    count++;
  }
  return count;
}
