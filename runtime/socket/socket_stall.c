/* Holding events back while whoever handles them has as many as it can: acks, states and
 * the heartbeat pass them by, so that handlers that wait for an answer get it. What is
 * held counts as backlog: a server that goes on sending feels it in the end. The order of
 * events is kept, also beyond the end of the connection that they came on; an ack of one
 * that came on an earlier connection goes nowhere. */
#include <stdlib.h>

#include "socket/socket_parts.h"

bool stall_takes(Socket *s, Note *note) {
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

static void tell_first(Socket *s) {
  Stall *stall = &s->stall;
  Note *note = take_first(stall);
  stall->epoch = note->epoch;
  note_relax(s, note);
  note_deliver(s, note);
  stall->epoch = 0;
  note_free(note);
}

static void go_on_later(Socket *s);

/* One in each turn, as if it came now: others have theirs. */
static void on_go_on(Event *event) {
  Socket *s = CONTAINER_OF(event, Socket, stall.event);
  s->stall.queued = false;
  socket_enter(s);
  if (s->stall.first && !s->stall.holding && !s->freed) tell_first(s);
  go_on_later(s);
  socket_leave(s);
}

static void go_on_later(Socket *s) {
  Stall *stall = &s->stall;
  if (stall->holding || !stall->first || stall->queued || s->freed) return;
  stall->queued = true;
  stall->event.run = on_go_on;
  inbox_push(net_loop(s->net), &stall->event);
}

void socket_hold(Socket *s, bool hold) {
  s->stall.holding = hold;
  go_on_later(s);
}

void stall_free(Socket *s) {
  while (s->stall.first) note_free(take_first(&s->stall));
}
