/* Places for connections: see http_slots.h. */
#include "net/http_slots.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

/* The places of an owner at an origin; freed when nobody has or awaits one. */
struct SlotPlace {
  IndexNode node;
  Slots *slots;
  const void *owner;
  char *origin; /* owned */
  int used;
  SlotTurn *first, *last; /* those that wait */
  Event event;            /* lets the first of them go */
  bool queued;
};

struct Slots {
  NetShared shared;
  Net *net;
  Index index;
};

static void free_slots(NetShared *shared) {
  Slots *slots = CONTAINER_OF(shared, Slots, shared);
  CHECK(slots->index.count == 0);
  index_free(&slots->index);
  free(slots);
}

Slots *slots_of(Net *net) {
  NetShared **at = net_slots(net);
  if (*at) return CONTAINER_OF(*at, Slots, shared);
  Slots *slots = xcalloc(1, sizeof *slots);
  slots->shared.free = free_slots;
  slots->net = net;
  *at = &slots->shared;
  return slots;
}

static void free_idle(SlotPlace *place) {
  if (place->used || place->first || place->queued) return;
  index_remove(&place->slots->index, &place->node);
  free(place->origin);
  free(place);
}

static void dequeue_turn(SlotTurn *turn) {
  SlotPlace *place = turn->place;
  *(turn->prev ? &turn->prev->next : &place->first) = turn->next;
  *(turn->next ? &turn->next->prev : &place->last) = turn->prev;
  turn->waits = false;
}

static void on_event(Event *event) {
  SlotPlace *place = CONTAINER_OF(event, SlotPlace, event);
  while (place->first && place->used < place->first->most) {
    SlotTurn *turn = place->first;
    dequeue_turn(turn);
    place->used++;
    turn->go(turn); /* may leave at once: `queued` keeps the place */
  }
  place->queued = false;
  free_idle(place);
}

static SlotPlace *make_place(Slots *slots, const void *owner, const char *origin,
                             uint64_t hash) {
  SlotPlace *place = xcalloc(1, sizeof *place);
  place->slots = slots;
  place->owner = owner;
  place->origin = xstrdup(origin);
  place->event.run = on_event;
  index_add(&slots->index, &place->node, hash);
  return place;
}

static SlotPlace *find_place(Slots *slots, const void *owner, const char *origin) {
  uint64_t hash = hash_bytes(HASH_START, &owner, sizeof owner);
  hash = hash_bytes(hash, origin, strlen(origin));
  for (IndexNode *n = index_first(&slots->index, hash); n; n = index_next(n)) {
    SlotPlace *place = CONTAINER_OF(n, SlotPlace, node);
    if (place->owner == owner && strcmp(place->origin, origin) == 0) return place;
  }
  return make_place(slots, owner, origin, hash);
}

bool slots_take(Slots *slots, const void *owner, const char *origin, int most,
                SlotTurn *turn) {
  SlotPlace *place = turn->place = find_place(slots, owner, origin);
  turn->most = most;
  if (!place->first && place->used < most) {
    place->used++;
    return true;
  }
  turn->waits = true;
  turn->next = NULL;
  turn->prev = place->last;
  *(place->last ? &place->last->next : &place->first) = turn;
  place->last = turn;
  return false;
}

void slots_leave(SlotTurn *turn) {
  SlotPlace *place = turn->place;
  if (!place) return;
  if (turn->waits) dequeue_turn(turn);
  else place->used--;
  turn->place = NULL;
  if (place->first && !place->queued) {
    place->queued = true;
    inbox_push(net_loop(place->slots->net), &place->event);
  }
  free_idle(place);
}

int slots_used(const SlotTurn *turn) {
  return turn->place ? turn->place->used : 0;
}
