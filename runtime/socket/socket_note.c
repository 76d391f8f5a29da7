/* Notes: how what came off the wire gets from the poll to dispatch. One allocation each,
 * with a copy of the payload. When too many bytes lie in the inbox, reading stops until
 * dispatch has caught up, so that the peer feels the backlog and memory stays bounded. */
#include <stdlib.h>
#include <string.h>

#include "socket/socket_parts.h"

/* What a note takes of memory, not only what it says: tiny ones come in millions. */
static size_t cost_of(const Note *note) {
  return sizeof *note + note->size;
}

static const size_t backlog_high = 8u << 20, backlog_low = 4u << 20;

void note_deliver(Socket *s, Note *note) {
  switch (note->type) {
  case NOTE_EVENT:
    s->callbacks.event(s->ctx, &note->told, note->ack);
    break;
  case NOTE_ACK:
    calls_on_ack(s, note->ack, &note->told);
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

void note_free(Note *note) {
  Loss loss;
  if (note->type == NOTE_LOST) {
    memcpy(&loss, note->data, sizeof loss);
    free(loss.data);
  }
  charge_remove(note->socket->options.charge, cost_of(note));
  if (note->socket->freed) free(note); /* the net may be gone, too */
  else blocks_give(net_blocks(note->socket->net), note, cost_of(note));
}

void note_relax(Socket *s, const Note *note) {
  s->backlog -= cost_of(note);
  if (!s->paused || s->backlog > backlog_low) return;
  s->paused = false;
  if (s->linked) manager_pause(s->manager, false);
}

static void on_note(Event *event) {
  Note *note = CONTAINER_OF(event, Note, event);
  Socket *s = note->socket;
  bool counts = note->link == s->link || note->type == NOTE_DROPPED;
  s->notes--;
  if (!s->freed && counts && stall_takes(s, note)) return;
  note_relax(s, note);
  socket_enter(s);
  if (!s->freed && counts) {
    if (note->type == NOTE_EVENT) recovery_note(s, note);
    note_deliver(s, note);
  }
  note_free(note);
  socket_leave(s);
}

static Note *new_note(Socket *s, NoteType type, int64_t ack, size_t len) {
  Note *note = blocks_take(net_blocks(s->net), sizeof *note + len);
  note->event.run = on_note;
  note->socket = s;
  note->type = type;
  note->link = s->link;
  note->next = NULL;
  note->ack = ack;
  note->len = note->size = len;
  charge_add(s->options.charge, cost_of(note));
  return note;
}

Note *note_new(Socket *s, NoteType type, int64_t ack, const void *data, size_t len) {
  Note *note = new_note(s, type, ack, len);
  if (len) memcpy(note->data, data, len);
  return note;
}

Note *note_new_data(Socket *s, NoteType type, int64_t ack, const SocketData *data) {
  Note *note = new_note(s, type, ack, socket_data_room(data));
  note->told = socket_data_store(note->data, data);
  return note;
}

bool note_fits(const Socket *s, size_t size) {
  return !charge_is_over(s->options.charge, sizeof(Note) + size);
}

/* A script that holds as much as it may takes what there is before more is read. */
static bool is_behind(const Socket *s) {
  return s->backlog >= backlog_high || !note_fits(s, 0);
}

void note_send(Note *note) {
  Socket *s = note->socket;
  s->notes++;
  s->backlog += cost_of(note);
  inbox_push(net_loop(s->net), &note->event);
  if (s->paused || !s->linked || !is_behind(s)) return;
  s->paused = true;
  if (!s->told_paused)
    log_write(loop_log(net_loop(s->net)), LOG_WARN, "socket",
              "%zu bytes from %s wait to be handled: nothing more is read until they are",
              s->backlog, s->nsp);
  s->told_paused = true;
  manager_pause(s->manager, true);
}

void note_push(Socket *s, NoteType type, int64_t ack, const void *data, size_t len) {
  note_send(note_new(s, type, ack, data, len));
}
