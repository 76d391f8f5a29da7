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

static void on_go_on(Event *event) {
  Socket *s = CONTAINER_OF(event, Socket, stall.event);
  Stall *stall = &s->stall;
  stall->queued = false;
  socket_enter(s);
  while (stall->first && !stall->holding && !s->freed) {
    Note *note = take_first(stall);
    stall->epoch = note->epoch;
    note_relax(s, note);
    note_deliver(s, note);
    stall->epoch = 0;
    note_free(note);
  }
  socket_leave(s);
}

void socket_hold(Socket *s, bool hold) {
  Stall *stall = &s->stall;
  stall->holding = hold;
  if (hold || !stall->first || stall->queued || s->freed) return;
  stall->queued = true;
  stall->event.run = on_go_on;
  inbox_push(net_loop(s->net), &stall->event);
}

void stall_free(Socket *s) {
  while (s->stall.first) note_free(take_first(&s->stall));
}
