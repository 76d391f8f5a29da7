/* The rule for all years to come, as POSIX writes it in TZ (and RFC 8536, section 3.3, in
 * the footer of a file): "EST5EDT,M3.2.0,M11.1.0". Pure. */
#ifndef TIDELOCK_PROTO_ZONE_RULE_H
#define TIDELOCK_PROTO_ZONE_RULE_H

#include "core/base.h"

enum { ZONE_NAME = 16 };

/* A day of each year, and the local time on it. */
typedef struct ZoneDay {
  enum { ZONE_JULIAN, ZONE_YEARDAY, ZONE_WEEKDAY } kind;
  int month, week, day; /* the day alone, but for ZONE_WEEKDAY */
  int32_t time;         /* seconds, also below 0 and beyond a day */
} ZoneDay;

typedef struct ZoneRule {
  char name[ZONE_NAME], dst_name[ZONE_NAME];
  int32_t offset, dst_offset;
  bool has_dst;
  ZoneDay begins, ends; /* of the summer time */
} ZoneRule;

/* A run of time in which one offset holds: from <= time < to. */
typedef struct ZoneSpan {
  int64_t from, to;
  int32_t offset;
  bool dst;
  const char *name; /* "CEST"; borrowed from the rule or the zone */
} ZoneSpan;

bool zone_rule_parse(ZoneRule *rule, const char *text, size_t len);
ZoneSpan zone_rule_span(const ZoneRule *rule, int64_t at);

#endif
