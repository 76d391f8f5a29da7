#include "socket/manager_share.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/index.h"

/* It is there as long as one leads to it. */
struct SharePlace {
  IndexNode node;
  Sharer *newest;
};

static uint64_t hash_text(uint64_t hash, const char *text) {
  return text ? hash_bytes(hash, text, strlen(text)) : hash_bytes(hash, "", 0);
}

/* What differs where there are many; the rest is compared. */
static uint64_t hash_of(const Sharer *s) {
  const SocketOptions *o = s->options;
  uint64_t hash = hash_bytes(HASH_START, &o->group, sizeof o->group);
  hash = hash_text(hash_text(hash, s->address), s->query);
  for (char *const *header = o->headers; header && *header; header++)
    hash = hash_text(hash, *header);
  return route_hash(hash, &o->route);
}

static bool same_text(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool leads_there(const Sharer *a, const Sharer *b) {
  return a->options->group == b->options->group && strcmp(a->address, b->address) == 0 &&
         same_text(a->query, b->query) &&
         !socket_options_moved_way(a->options, b->options);
}

static SharePlace *find_place(const Index *all, const Sharer *like, uint64_t hash) {
  for (IndexNode *node = index_first(all, hash); node; node = index_next(node)) {
    SharePlace *place = CONTAINER_OF(node, SharePlace, node);
    if (leads_there(place->newest, like)) return place;
  }
  return NULL;
}

Sharer *share_find(Net *net, const Sharer *like) {
  SharePlace *place = find_place(net_shares(net), like, hash_of(like));
  return place ? place->newest : NULL;
}

void share_add(Net *net, Sharer *sharer) {
  uint64_t hash = hash_of(sharer);
  SharePlace *place = find_place(net_shares(net), sharer, hash);
  if (!place) {
    place = xcalloc(1, sizeof *place);
    index_add(net_shares(net), &place->node, hash);
  }
  sharer->place = place;
  sharer->older = place->newest;
  if (place->newest) place->newest->newer = sharer;
  place->newest = sharer;
}

void share_remove(Net *net, Sharer *sharer) {
  SharePlace *place = sharer->place;
  if (!place) return;
  if (sharer->newer) sharer->newer->older = sharer->older;
  else place->newest = sharer->older;
  if (sharer->older) sharer->older->newer = sharer->newer;
  sharer->place = NULL;
  if (place->newest) return;
  index_remove(net_shares(net), &place->node);
  free(place);
}
