/* See connection_large.h. */
#include "resource/connection_large.h"

#include <stdlib.h>

struct LargeFiring {
  LargeFiring *next;
  uint64_t number;
  int unread; /* by how many handlers that are waited for */
};

static LargeFiring **find_large(InFlight *f, uint64_t number) {
  LargeFiring **at = &f->large;
  while (*at && (*at)->number != number) at = &(*at)->next;
  return at;
}

uint64_t large_begin(Connection *c, InFlight *f) {
  uint64_t number = ++c->large_firings;
  if (!f) return number;
  LargeFiring *large = xcalloc(1, sizeof *large);
  *large = (LargeFiring){f->large, number, 0};
  f->large = large;
  return number;
}

bool large_waits(const InFlight *f) {
  for (const LargeFiring *l = f->large; l; l = l->next)
    if (l->unread > 0) return true;
  return false;
}

void large_free(InFlight *f) {
  for (LargeFiring *l; (l = f->large);) {
    f->large = l->next;
    free(l);
  }
}

void large_expect(InFlight *f, uint64_t number) {
  LargeFiring *large = *find_large(f, number);
  if (large) large->unread++;
}

bool large_is_read(InFlight *f, uint64_t number) {
  LargeFiring **at = find_large(f, number), *large = *at;
  if (!large || --large->unread > 0) return false;
  *at = large->next;
  free(large);
  return true;
}
