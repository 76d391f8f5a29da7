/* Files and rules of time zones: whatever is taken has one offset at each time, spans
 * that follow one another, and an instant or a gap for each local time. */
#include <stdlib.h>
#include <string.h>

#include "proto/zone.h"

static void check_time(const Zone *zone, int64_t at) {
  ZoneSpan span = zone_span(zone, at);
  CHECK(span.from <= at && at < span.to);
  CHECK(span.offset > -90000 && span.offset < 93601);
  CHECK(strlen(span.name) < 256);
  ZoneInstants found = zone_instants(zone, at + span.offset);
  CHECK(!found.gap && found.first <= at && found.last >= at);
  ZoneInstants other = zone_instants(zone, at);
  CHECK(other.first <= other.last && (!other.gap || other.first == other.last));
  int64_t last = other.last;
  if (!other.gap) CHECK(last + zone_span(zone, last).offset == at);
}

static void check_zone(Zone *zone) {
  static const int64_t times[] = {0,          -1,           1,
                                  1000000000, 2000000000,   -2000000000,
                                  4102444800, 253402300799, -62167219200,
                                  951782400,  32503680000,  -1};
  if (!zone) return;
  for (size_t i = 0; i < COUNT_OF(times); i++) check_time(zone, times[i]);
  ZoneSpan span = zone_span(zone, -4000000000);
  for (int i = 0; i < 40 && span.to < 8000000000; i++) {
    check_time(zone, span.to - 1);
    check_time(zone, span.to);
    ZoneSpan next = zone_span(zone, span.to);
    CHECK(next.to > span.to);
    span = next;
  }
  zone_free(zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Error err;
  char *exact = xmalloc(size ? size : 1);
  if (size) memcpy(exact, data, size);
  check_zone(zone_parse(exact, size, &err));
  check_zone(zone_parse_rule(exact, size, &err));
  free(exact);
  return 0;
}
