/* Breakers and retry budgets: see guard.h. Ages are by a clock that goes on while the
 * machine sleeps. */
#include "net/guard.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

enum { SLOTS = 10, MOST_KEPT = 4096 };
static const double slot_length = 3; /* seconds: 30 in all */

/* What is known of one origin. */
typedef struct Guard {
  IndexNode node;
  Guards *guards;
  const void *owner;
  char *origin; /* owned */
  struct Guard *older, *newer;
  /* The calls that ended within the last slots; `slot` is the number of the latest. */
  int64_t slot;
  unsigned calls[SLOTS], failed[SLOTS];
  double open_until; /* 0: the breaker is closed */
  bool probing;
  int tokens;
} Guard;

struct Guards {
  NetShared shared;
  Net *net;
  Index index;
  Guard *oldest, *newest; /* by when they were last looked for */
};

static double now_of(const Guards *guards) {
  return wakes_now(net_wakes(guards->net));
}

/* --- all of them ------------------------------------------------------------------ */

static void unlink_guard(Guard *g) {
  Guards *guards = g->guards;
  *(g->older ? &g->older->newer : &guards->oldest) = g->newer;
  *(g->newer ? &g->newer->older : &guards->newest) = g->older;
}

static void link_newest(Guard *g) {
  Guards *guards = g->guards;
  g->newer = NULL;
  g->older = guards->newest;
  *(g->older ? &g->older->newer : &guards->oldest) = g;
  guards->newest = g;
}

static void drop_guard(Guard *g) {
  unlink_guard(g);
  index_remove(&g->guards->index, &g->node);
  free(g->origin);
  free(g);
}

static void free_guards(NetShared *shared) {
  Guards *guards = CONTAINER_OF(shared, Guards, shared);
  while (guards->oldest) drop_guard(guards->oldest);
  index_free(&guards->index);
  free(guards);
}

Guards *guards_of(Net *net) {
  NetShared **place = net_guards(net);
  if (*place) return CONTAINER_OF(*place, Guards, shared);
  Guards *guards = xcalloc(1, sizeof *guards);
  guards->shared.free = free_guards;
  guards->net = net;
  *place = &guards->shared;
  return guards;
}

void guards_forget(Net *net) {
  Guards *guards = *net_guards(net) ? guards_of(net) : NULL;
  while (guards && guards->oldest) drop_guard(guards->oldest);
}

static uint64_t hash_of(const GuardPlace *place) {
  uint64_t hash = hash_bytes(HASH_START, &place->owner, sizeof place->owner);
  return hash_bytes(hash, place->origin, strlen(place->origin));
}

static bool is_at(const Guard *g, const GuardPlace *place) {
  return g->owner == place->owner && strcmp(g->origin, place->origin) == 0;
}

/* A script that asks ever more origins forgets those it has not asked for longest. */
static Guard *make_guard(Guards *guards, const GuardPlace *place, uint64_t hash) {
  if (guards->index.count >= MOST_KEPT) drop_guard(guards->oldest);
  Guard *g = xcalloc(1, sizeof *g);
  g->guards = guards;
  g->owner = place->owner;
  g->origin = xstrdup(place->origin);
  g->tokens = GUARD_TOKENS;
  index_add(&guards->index, &g->node, hash);
  link_newest(g);
  return g;
}

static Guard *find_guard(Guards *guards, const GuardPlace *place) {
  if (guards->newest && is_at(guards->newest, place)) return guards->newest;
  uint64_t hash = hash_of(place);
  for (IndexNode *n = index_first(&guards->index, hash); n; n = index_next(n)) {
    Guard *g = CONTAINER_OF(n, Guard, node);
    if (!is_at(g, place)) continue;
    unlink_guard(g);
    link_newest(g);
    return g;
  }
  return make_guard(guards, place, hash);
}

/* --- the breaker ------------------------------------------------------------------ */

/* Forgets the calls of the slots that have passed. */
static unsigned turn_to_slot(Guard *g, double now) {
  int64_t slot = (int64_t)(now / slot_length);
  if (slot == g->slot - 1) slot++; /* two clocks are read, which differ a little */
  int64_t passed = slot - g->slot < SLOTS ? slot - g->slot : SLOTS;
  if (passed < 0) passed = SLOTS; /* the clock of a test has ended */
  for (int64_t i = 0; i < passed; i++)
    g->calls[(slot - i) % SLOTS] = g->failed[(slot - i) % SLOTS] = 0;
  g->slot = slot;
  return (unsigned)(slot % SLOTS);
}

static void forget_calls(Guard *g) {
  memset(g->calls, 0, sizeof g->calls);
  memset(g->failed, 0, sizeof g->failed);
}

static void open_breaker(Guard *g, double now, unsigned failed, unsigned calls) {
  g->open_until = now + GUARD_OPEN;
  forget_calls(g);
  log_write(loop_log(net_loop(g->guards->net)), LOG_WARN, "http",
            "calls to %s are refused for %g s: %u of %u have failed within 30 s",
            g->origin, GUARD_OPEN, failed, calls);
}

static void check_calls(Guard *g, double now) {
  unsigned calls = 0, failed = 0;
  for (int i = 0; i < SLOTS; i++) {
    calls += g->calls[i];
    failed += g->failed[i];
  }
  if (calls >= GUARD_CALLS && failed * 2 >= calls) open_breaker(g, now, failed, calls);
}

GuardEntry guard_enter(Guards *guards, const GuardPlace *place, double *wait) {
  Guard *g = find_guard(guards, place);
  if (g->open_until == 0) return GUARD_PASSES;
  double left = g->open_until - now_of(guards);
  if (!g->probing && (left <= 0 || left > GUARD_OPEN + 1)) {
    g->probing = true;
    return GUARD_PROBES;
  }
  if (left > GUARD_OPEN) left = GUARD_OPEN;
  *wait = left > 0 ? left : 1; /* the probe is under way */
  return GUARD_REFUSED;
}

void guard_end_probe(Guards *guards, const GuardPlace *place, GuardProbe how) {
  Guard *g = find_guard(guards, place);
  g->probing = false;
  if (how == GUARD_FAILED) g->open_until = now_of(guards) + GUARD_OPEN;
  if (how != GUARD_WORKED || g->open_until == 0) return;
  g->open_until = 0;
  log_write(loop_log(net_loop(guards->net)), LOG_INFO, "http",
            "calls to %s are made again", g->origin);
}

/* A call that began before the breaker opened says nothing that it does not know. */
void guard_leave(Guards *guards, const GuardPlace *place, bool failed) {
  Guard *g = find_guard(guards, place);
  if (g->open_until > 0) return;
  double now = now_of(guards);
  unsigned slot = turn_to_slot(g, now);
  g->calls[slot]++;
  g->failed[slot] += failed;
  if (failed) check_calls(g, now);
}

/* --- the budget ------------------------------------------------------------------- */

int guard_take(Guards *guards, const GuardPlace *place, bool timeout) {
  Guard *g = find_guard(guards, place);
  int cost = timeout ? GUARD_TIMEOUT : GUARD_RETRY;
  if (g->tokens < cost) return 0;
  g->tokens -= cost;
  return cost;
}

void guard_give(Guards *guards, const GuardPlace *place, int taken) {
  Guard *g = find_guard(guards, place);
  int given = taken > 0 ? taken : 1, room = GUARD_TOKENS - g->tokens;
  g->tokens += given < room ? given : room;
}
