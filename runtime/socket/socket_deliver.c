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

static void deliver_note(Socket *s, Note *note) {
  switch (note->type) {
  case NOTE_EVENT:
    s->callbacks.event(s->ctx, &note->payload, note->ack);
    break;
  case NOTE_ACK:
    calls_on_ack(s, note->ack, &note->payload);
    break;
  case NOTE_TEXT:
    s->callbacks.message(s->ctx, false, note->data, note->len);
    break;
  case NOTE_BINARY:
    s->callbacks.message(s->ctx, true, note->data, note->len);
    break;
  case NOTE_PONG: {
    double when;
    memcpy(&when, note->data, sizeof when);
    calls_on_pong(s, note->ack, when);
    break;
  }
  case NOTE_DROPPED:
    if (s->callbacks.dropped)
      s->callbacks.dropped(s->ctx, (ErrorCode)note->ack, note->data, note->len);
    break;
  case NOTE_READY:
    socket_on_ready(s);
    break;
  case NOTE_JOINED:
    socket_on_joined(s, note->data, note->len);
    break;
  case NOTE_LOST: {
    Loss loss;
    memcpy(&loss, note->data, sizeof loss);
    socket_on_lost(s, &loss);
    break;
  }
  }
}

/* --- holding events back ---------------------------------------------------------- */

static bool hold_back(Socket *s, Note *note) {
  Stall *stall = &s->stall;
  bool is_event =
      note->type == NOTE_EVENT || note->type == NOTE_TEXT || note->type == NOTE_BINARY;
  if (!is_event || (!stall->holding && !stall->first)) return false;
  if (note->type == NOTE_EVENT) recovery_note(s, note);
  note->epoch = s->epoch;
  note->next = NULL;
  *stall->last = note;
  stall->last = &note->next;
  return true;
}

static Note *take_first(Stall *stall) {
  Note *note = stall->first;
  stall->first = note->next;
  if (!stall->first) stall->last = &stall->first;
  return note;
}

static void deliver_first(Socket *s) {
  Stall *stall = &s->stall;
  Note *note = take_first(stall);
  stall->epoch = note->epoch;
  note_relax(s, note);
  deliver_note(s, note);
  stall->epoch = 0;
  note_free(note);
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
  while (s->stall.first) note_free(take_first(&s->stall));
}

/* --- from the inbox --------------------------------------------------------------- */

void socket_deliver(Event *event) {
  Note *note = CONTAINER_OF(event, Note, event);
  Socket *s = note->socket;
  bool counts = note->link == s->link || note->type == NOTE_DROPPED;
  s->notes--;
  if (!s->freed && counts && hold_back(s, note)) return;
  note_relax(s, note);
  socket_enter(s);
  if (!s->freed && counts) {
    if (note->type == NOTE_EVENT) recovery_note(s, note);
    deliver_note(s, note);
  }
  note_free(note);
  socket_leave(s);
}
