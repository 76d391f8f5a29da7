/* See connection_large.h. */
#include "resource/connection_large.h"

#include <stdlib.h>

struct LargeReader {
  LargeReader *next; /* in the flight's list, while it is waited for */
  InFlight *flight;
  uint64_t number; /* 0: it is not waited for */
};

LargeReader *large_begin(Connection *c, InFlight *f, bool serial) {
  LargeReader *reader = xcalloc(1, sizeof *reader);
  reader->flight = f;
  if (serial) return reader;
  reader->number = ++c->large_readers;
  reader->next = f->large;
  f->large = reader;
  return reader;
}

uint64_t large_number(const LargeReader *reader) {
  return reader->number;
}

bool large_is_read(InFlight *f, uint64_t number) {
  LargeReader **at = &f->large;
  while (*at && (*at)->number != number) at = &(*at)->next;
  if (!*at) return false;
  *at = (*at)->next;
  return !f->large;
}

InFlight *large_end(LargeReader *reader) {
  InFlight *f = reader->flight;
  large_is_read(f, reader->number);
  free(reader);
  return f;
}

bool large_waits(const InFlight *f) {
  return f->large != NULL;
}
