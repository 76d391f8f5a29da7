/* What comes for a namespace before the CONNECT that lets this client in: what a server
 * emits in its connect handler or middleware, and what a recovered session has missed.
 * It is held, in order and bounded, and delivered behind the change to "connected". A
 * namespace that is refused instead takes it along. */
#include "socket/socket_early.h"

#include "socket/socket_incoming.h"

enum { MOST_HELD = 100000, MOST_HELD_BYTES = 64 << 20 };

void early_init(Early *e) {
  *e = (Early){0};
  e->last = &e->first;
}

bool early_hold(Socket *s, Note *note) {
  Early *e = &s->early;
  size_t cost = sizeof *note + note->size;
  if (e->count == MOST_HELD || cost > MOST_HELD_BYTES - e->bytes) {
    note_free(note);
    return false;
  }
  note->next = NULL;
  *e->last = note;
  e->last = &note->next;
  e->count++;
  e->bytes += cost;
  return true;
}

void early_release(Socket *s) {
  Note *note = s->early.first;
  early_init(&s->early);
  for (Note *next; note; note = next) {
    next = note->next;
    note_send(note);
  }
}

void early_drop(Socket *s) {
  Note *note = s->early.first;
  early_init(&s->early);
  for (Note *next; note; note = next) {
    next = note->next;
    note_free(note);
  }
}
