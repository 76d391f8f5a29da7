/* Delivering what came, in dispatch: to the callbacks, to calls, and to socket_state.c.
 *
 * Events are held back while whoever handles them has as many as it can. Acks, states and
 * the heartbeat pass them by, so that handlers that wait for an answer get it. What is
 * held counts as backlog: a server that goes on sending feels it in the end. The order of
 * events is kept, also beyond the end of the connection that they came on; an ack of one
 * that came on an earlier connection goes nowhere. */
#include "socket/socket_deliver.h"

#include <stdlib.h>
#include <string.h>

#include "socket/socket_call.h"
#include "socket/socket_dispatch.h"
#include "socket/socket_incoming.h"
#include "socket/socket_recovery.h"
#include "socket/socket_state.h"

static void deliver_incoming(Socket *s, Incoming *incoming) {
  switch (incoming->type) {
  case INCOMING_EVENT:
    s->callbacks.event(s->ctx, &incoming->payload, incoming->ack);
    break;
  case INCOMING_ACK:
    calls_on_ack(s, incoming->ack, &incoming->payload);
    break;
  case INCOMING_TEXT:
    s->callbacks.message(s->ctx, false, incoming->data, incoming->len);
    break;
  case INCOMING_BINARY:
    s->callbacks.message(s->ctx, true, incoming->data, incoming->len);
    break;
  case INCOMING_PONG: {
    double when;
    memcpy(&when, incoming->data, sizeof when);
    calls_on_pong(s, incoming->ack, when);
    break;
  }
  case INCOMING_DROPPED:
    if (s->callbacks.dropped)
      s->callbacks.dropped(s->ctx, (ErrorCode)incoming->ack, incoming->data,
                           incoming->len);
    break;
  case INCOMING_READY:
    socket_on_ready(s);
    break;
  case INCOMING_JOINED:
    socket_on_joined(s, incoming->data, incoming->len);
    break;
  case INCOMING_LOST: {
    Loss loss;
    memcpy(&loss, incoming->data, sizeof loss);
    socket_on_lost(s, &loss);
    break;
  }
  }
}

/* --- holding events back ---------------------------------------------------------- */

static bool hold_back(Socket *s, Incoming *incoming) {
  Stall *stall = &s->stall;
  bool is_event = incoming->type == INCOMING_EVENT || incoming->type == INCOMING_TEXT ||
                  incoming->type == INCOMING_BINARY;
  if (!is_event || (!stall->holding && !stall->first)) return false;
  if (incoming->type == INCOMING_EVENT) recovery_keep_offset(s, incoming);
  incoming->epoch = s->epoch;
  incoming->next = NULL;
  *stall->last = incoming;
  stall->last = &incoming->next;
  return true;
}

static Incoming *take_first(Stall *stall) {
  Incoming *incoming = stall->first;
  stall->first = incoming->next;
  if (!stall->first) stall->last = &stall->first;
  return incoming;
}

static void deliver_first(Socket *s) {
  Stall *stall = &s->stall;
  Incoming *incoming = take_first(stall);
  stall->epoch = incoming->epoch;
  incoming_uncount(s, incoming);
  deliver_incoming(s, incoming);
  stall->epoch = 0;
  incoming_free(incoming);
}

static void release_later(Socket *s);

/* One in each turn, as if it came now: others have theirs. */
static void on_release(Event *event) {
  Socket *s = CONTAINER_OF(event, Socket, stall.event);
  s->stall.queued = false;
  socket_enter(s);
  if (s->stall.first && !s->stall.holding && !s->freed) deliver_first(s);
  release_later(s);
  socket_leave(s);
}

static void release_later(Socket *s) {
  Stall *stall = &s->stall;
  if (stall->holding || !stall->first || stall->queued || s->freed) return;
  stall->queued = true;
  stall->event.run = on_release;
  inbox_push(net_loop(s->net), &stall->event);
}

void socket_hold(Socket *s, bool hold) {
  s->stall.holding = hold;
  release_later(s);
}

void stall_free(Socket *s) {
  while (s->stall.first) incoming_free(take_first(&s->stall));
}

/* --- from the inbox --------------------------------------------------------------- */

void socket_deliver(Event *event) {
  Incoming *incoming = CONTAINER_OF(event, Incoming, event);
  Socket *s = incoming->socket;
  bool counts = incoming->link == s->link || incoming->type == INCOMING_DROPPED;
  s->incoming_count--;
  if (!s->freed && counts && hold_back(s, incoming)) return;
  incoming_uncount(s, incoming);
  socket_enter(s);
  if (!s->freed && counts) {
    if (incoming->type == INCOMING_EVENT) recovery_keep_offset(s, incoming);
    deliver_incoming(s, incoming);
  }
  incoming_free(incoming);
  socket_leave(s);
}
