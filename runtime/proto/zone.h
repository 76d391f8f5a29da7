/* Time zones as the system's files describe them (TZif, RFC 8536): which offset from UTC
 * holds when, and which instants a local time stands for. Pure; times are seconds since
 * 1970 began, offsets seconds east of UTC. A Zone does not change once it is made. */
#ifndef TIDELOCK_PROTO_ZONE_H
#define TIDELOCK_PROTO_ZONE_H

#include "core/error.h"
#include "proto/zone_rule.h"

typedef struct Zone Zone;

/* Return new, or NULL: *err says why the bytes are no time zone (DECODE), or one that
 * counts leap seconds (UNSUPPORTED). */
Zone *zone_parse(const void *bytes, size_t len, Error *err);
/* The same for the rule that POSIX has for TZ: "CET-1CEST,M3.5.0,M10.5.0/3". */
Zone *zone_parse_rule(const char *text, size_t len, Error *err);
void zone_free(Zone *zone);
size_t zone_size(const Zone *zone); /* bytes of memory */

ZoneSpan zone_span(const Zone *zone, int64_t at); /* its name is the zone's */

/* The instants at which clocks show the local time, the first and the last of them. At a
 * gap, which clocks skip: when it began, and the time that they show as long after it as
 * the local time lies behind its begin. */
typedef struct ZoneInstants {
  int64_t first, last;
  bool gap;
  int64_t skipped; /* where gap is set: when clocks were put forward */
} ZoneInstants;
ZoneInstants zone_instants(const Zone *zone, int64_t local);

#endif
