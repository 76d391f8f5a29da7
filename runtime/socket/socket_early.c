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

bool early_hold(Socket *s, Incoming *incoming) {
  Early *e = &s->early;
  size_t cost = sizeof *incoming + incoming->size;
  if (e->count == MOST_HELD || cost > MOST_HELD_BYTES - e->bytes) {
    incoming_free(incoming);
    return false;
  }
  incoming->next = NULL;
  *e->last = incoming;
  e->last = &incoming->next;
  e->count++;
  e->bytes += cost;
  return true;
}

void early_release(Socket *s) {
  Incoming *incoming = s->early.first;
  early_init(&s->early);
  for (Incoming *next; incoming; incoming = next) {
    next = incoming->next;
    incoming_send(incoming);
  }
}

void early_drop(Socket *s) {
  Incoming *incoming = s->early.first;
  early_init(&s->early);
  for (Incoming *next; incoming; incoming = next) {
    next = incoming->next;
    incoming_free(incoming);
  }
}
