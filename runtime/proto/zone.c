/* TZif files: see zone.h. A file is a block with times of 32 bits, and from version 2 on
 * one with times of 64 bits, then a rule for all later years. The last block counts. */
#include "proto/zone.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER = 44, LEAST_OFFSET = -89999, MOST_OFFSET = 93599 };
/* Beyond what anybody asks for; where sums of seconds and days cannot overflow. */
static const int64_t FAR = 1000000000000000;

typedef struct ZoneType {
  int32_t offset;
  bool dst;
  uint8_t name;
} ZoneType;

struct Zone {
  size_t count, types, names_len;
  int64_t *times;
  uint8_t *which; /* the type from times[i] on */
  ZoneType *type;
  char *names; /* each ends with a NUL */
  bool has_rule;
  ZoneRule rule;
};

/* --- reading ----------------------------------------------------------------------- */

typedef struct Block {
  const uint8_t *at; /* behind the header */
  size_t width;      /* bytes of a time */
  size_t isut, isstd, leap, time, type, chars;
} Block;

static uint32_t read_32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_time(const uint8_t *p, size_t width) {
  if (width == 4) return (int32_t)read_32(p);
  return (int64_t)((uint64_t)read_32(p) << 32 | read_32(p + 4));
}

static size_t block_len(const Block *b) {
  return b->time * (b->width + 1) + b->type * 6 + b->chars + b->leap * (b->width + 4) +
         b->isstd + b->isut;
}

/* False where the bytes end within it. */
static bool read_block(Block *b, const uint8_t *at, size_t len, size_t width) {
  if (len < HEADER || memcmp(at, "TZif", 4) != 0) return false;
  *b = (Block){.at = at + HEADER,
               .width = width,
               .isut = read_32(at + 20),
               .isstd = read_32(at + 24),
               .leap = read_32(at + 28),
               .time = read_32(at + 32),
               .type = read_32(at + 36),
               .chars = read_32(at + 40)};
  return block_len(b) <= len - HEADER;
}

static bool read_types(Zone *zone, const Block *b) {
  const uint8_t *at = b->at + b->time * (b->width + 1);
  const char *names = (const char *)at + b->type * 6;
  if (b->type == 0 || b->type > 256 || b->chars == 0 || b->chars > 256) return false;
  if (names[b->chars - 1] != '\0') return false;
  zone->names = xmalloc(b->chars);
  memcpy(zone->names, names, b->chars);
  zone->names_len = b->chars;
  zone->type = xcalloc(b->type, sizeof *zone->type);
  zone->types = b->type;
  for (size_t i = 0; i < b->type; i++, at += 6) {
    zone->type[i] = (ZoneType){(int32_t)read_32(at), at[4] != 0, at[5]};
    if (zone->type[i].offset < LEAST_OFFSET || zone->type[i].offset > MOST_OFFSET ||
        at[4] > 1 || at[5] >= b->chars)
      return false;
  }
  return true;
}

static bool read_times(Zone *zone, const Block *b) {
  const uint8_t *which = b->at + b->time * b->width;
  zone->times = xcalloc(b->time + 1, sizeof *zone->times);
  zone->which = xcalloc(b->time + 1, 1);
  zone->count = b->time;
  for (size_t i = 0; i < b->time; i++) {
    zone->times[i] = read_time(b->at + i * b->width, b->width);
    zone->which[i] = which[i];
    if (which[i] >= b->type || (i && zone->times[i] <= zone->times[i - 1])) return false;
  }
  return true;
}

/* "\nRULE\n"; the rule may be empty. */
static bool read_footer(Zone *zone, const uint8_t *at, size_t len) {
  const uint8_t *end = len > 1 ? memchr(at + 1, '\n', len - 1) : NULL;
  if (!end || *at != '\n') return false;
  size_t rule_len = (size_t)(end - at) - 1;
  zone->has_rule = rule_len > 0;
  return !zone->has_rule || zone_rule_parse(&zone->rule, (const char *)at + 1, rule_len);
}

/* The block that counts, and what is behind it. */
static bool find_block(Block *b, const uint8_t *bytes, size_t len, const uint8_t **rest) {
  if (!read_block(b, bytes, len, 4)) return false;
  *rest = b->at + block_len(b);
  if (bytes[4] == '\0') return true;
  if (bytes[4] < '2' || !read_block(b, *rest, len - (size_t)(*rest - bytes), 8))
    return false;
  *rest = b->at + block_len(b);
  return true;
}

static bool read_zone(Zone *zone, const Block *b, const uint8_t *rest, size_t rest_len) {
  return read_types(zone, b) && read_times(zone, b) &&
         (b->width == 4 || read_footer(zone, rest, rest_len));
}

Zone *zone_parse(const void *bytes, size_t len, Error *err) {
  const uint8_t *rest = NULL, *end = (const uint8_t *)bytes + len;
  Block b;
  bool whole = find_block(&b, bytes, len, &rest);
  if (whole && b.leap > 0) {
    error_set(err, ERR_UNSUPPORTED, "it counts leap seconds");
    return NULL;
  }
  Zone *zone = xcalloc(1, sizeof *zone);
  if (whole && read_zone(zone, &b, rest, (size_t)(end - rest))) return zone;
  zone_free(zone);
  error_set(err, ERR_DECODE, "it is no file of a time zone");
  return NULL;
}

Zone *zone_parse_rule(const char *text, size_t len, Error *err) {
  Zone *zone = xcalloc(1, sizeof *zone);
  zone->has_rule = true;
  if (zone_rule_parse(&zone->rule, text, len)) return zone;
  zone_free(zone);
  error_set(err, ERR_DECODE, "it is no rule of a time zone");
  return NULL;
}

void zone_free(Zone *zone) {
  free(zone->times);
  free(zone->which);
  free(zone->type);
  free(zone->names);
  free(zone);
}

size_t zone_size(const Zone *zone) {
  return sizeof *zone + zone->count * 9 + zone->types * sizeof(ZoneType) +
         zone->names_len;
}

/* --- asking ------------------------------------------------------------------------ */

static ZoneSpan span_of(const Zone *zone, uint8_t which, int64_t from, int64_t to) {
  const ZoneType *type = &zone->type[which];
  return (ZoneSpan){from, to, type->offset, type->dst, zone->names + type->name};
}

/* How many changes there are at `at` or before. */
static size_t count_until(const Zone *zone, int64_t at) {
  size_t low = 0, high = zone->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (zone->times[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Behind the last change in the list. */
static ZoneSpan last_span(const Zone *zone, int64_t at) {
  int64_t last = zone->count ? zone->times[zone->count - 1] : INT64_MIN;
  if (!zone->has_rule)
    return span_of(zone, zone->count ? zone->which[zone->count - 1] : 0, last, INT64_MAX);
  ZoneSpan span = zone_rule_span(&zone->rule, at);
  if (span.from < last) span.from = last;
  return span;
}

ZoneSpan zone_span(const Zone *zone, int64_t at) {
  at = at < -FAR ? -FAR : at > FAR ? FAR : at;
  size_t past = count_until(zone, at);
  if (past == zone->count) return last_span(zone, at);
  if (past == 0) return span_of(zone, 0, INT64_MIN, zone->times[0]);
  return span_of(zone, zone->which[past - 1], zone->times[past - 1], zone->times[past]);
}

static bool lies_in(int64_t at, const ZoneSpan *span) {
  return at >= span->from && at < span->to;
}

/* Offsets are less than two days: what is looked for lies that near. */
ZoneInstants zone_instants(const Zone *zone, int64_t local) {
  enum { NEAR = 2 * 86400 };
  const int64_t most = FAR - 2 * NEAR;
  ZoneInstants found = {0};
  bool any = false;
  local = local < -most ? -most : local > most ? most : local;
  ZoneSpan span = zone_span(zone, local - NEAR);
  for (;;) {
    int64_t at = local - span.offset;
    if (lies_in(at, &span)) {
      if (!any) found.first = at;
      found.last = at;
      any = true;
    }
    if (span.to > local + NEAR) break;
    ZoneSpan next = zone_span(zone, span.to);
    if (!any && local >= span.to + span.offset && local < span.to + next.offset)
      found = (ZoneInstants){local - span.offset, local - span.offset, true, span.to};
    span = next;
  }
  if (any) found.gap = false;
  CHECK(any || found.gap);
  return found;
}
