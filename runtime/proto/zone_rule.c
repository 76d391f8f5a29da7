/* Rules for all years: see zone_rule.h. Which offset holds is found by writing down when
 * the years around begin and end their summer time. */
#include "proto/zone_rule.h"

#include <ctype.h>
#include <string.h>

#include "core/days.h"

enum { DAY = 86400, YEARS_AROUND = 2, CHANGES = 2 * (2 * YEARS_AROUND + 1) };

/* --- reading ----------------------------------------------------------------------- */

typedef struct Text {
  const char *at, *end;
} Text;

static bool take_char(Text *t, char c) {
  if (t->at == t->end || *t->at != c) return false;
  t->at++;
  return true;
}

/* A number within the bounds. */
static bool take_number(Text *t, int least, int most, int *value) {
  const char *begin = t->at;
  *value = 0;
  while (t->at < t->end && isdigit((unsigned char)*t->at) && t->at - begin < 4)
    *value = *value * 10 + (*t->at++ - '0');
  return t->at > begin && *value >= least && *value <= most;
}

/* "EST", or "<+03>", of three characters at least. */
static bool take_name(Text *t, char name[ZONE_NAME]) {
  bool quoted = take_char(t, '<');
  const char *begin = t->at;
  while (t->at < t->end &&
         (isalpha((unsigned char)*t->at) ||
          (quoted && (isdigit((unsigned char)*t->at) || *t->at == '+' || *t->at == '-'))))
    t->at++;
  size_t len = (size_t)(t->at - begin);
  if (len < 3 || len >= ZONE_NAME || (quoted && !take_char(t, '>'))) return false;
  memcpy(name, begin, len);
  name[len] = '\0';
  return true;
}

/* "[+-]hh[:mm[:ss]]" as seconds. */
static bool take_time(Text *t, int most_hours, int32_t *seconds) {
  bool minus = take_char(t, '-');
  int hours, minutes = 0, rest = 0;
  if (!minus) take_char(t, '+');
  if (!take_number(t, 0, most_hours, &hours)) return false;
  if (take_char(t, ':')) {
    if (!take_number(t, 0, 59, &minutes)) return false;
    if (take_char(t, ':') && !take_number(t, 0, 59, &rest)) return false;
  }
  *seconds = (minus ? -1 : 1) * (hours * 3600 + minutes * 60 + rest);
  return true;
}

/* "M3.5.0", "J60" or "59". */
static bool take_date(Text *t, ZoneDay *day) {
  if (take_char(t, 'J')) {
    day->kind = ZONE_JULIAN;
    return take_number(t, 1, 365, &day->day);
  }
  day->kind = ZONE_YEARDAY;
  if (!take_char(t, 'M')) return take_number(t, 0, 365, &day->day);
  day->kind = ZONE_WEEKDAY;
  return take_number(t, 1, 12, &day->month) && take_char(t, '.') &&
         take_number(t, 1, 5, &day->week) && take_char(t, '.') &&
         take_number(t, 0, 6, &day->day);
}

static bool take_day(Text *t, ZoneDay *day) {
  day->time = 2 * 3600;
  return take_char(t, ',') && take_date(t, day) &&
         (!take_char(t, '/') || take_time(t, 167, &day->time));
}

/* POSIX counts offsets west of Greenwich. */
static bool take_offset(Text *t, int32_t *offset) {
  if (!take_time(t, 24, offset)) return false;
  *offset = -*offset;
  return true;
}

static bool take_summer(Text *t, ZoneRule *rule) {
  rule->has_dst = true;
  if (!take_name(t, rule->dst_name)) return false;
  rule->dst_offset = rule->offset + 3600;
  if (t->at < t->end && *t->at != ',' && !take_offset(t, &rule->dst_offset)) return false;
  return take_day(t, &rule->begins) && take_day(t, &rule->ends);
}

bool zone_rule_parse(ZoneRule *rule, const char *text, size_t len) {
  Text t = {text, text + len};
  *rule = (ZoneRule){0};
  if (!take_name(&t, rule->name) || !take_offset(&t, &rule->offset)) return false;
  return t.at == t.end || (take_summer(&t, rule) && t.at == t.end);
}

/* --- when -------------------------------------------------------------------------- */

static int64_t find_weekday(const ZoneDay *day, int64_t year) {
  int64_t first = days_from_date(year, day->month, 1);
  int64_t found = first + (day->day - days_weekday(first) + 7) % 7 + 7 * (day->week - 1);
  int64_t next = days_from_date(year + day->month / 12, day->month % 12 + 1, 1);
  return found < next ? found : found - 7; /* the fifth is the last */
}

static int64_t find_day(const ZoneDay *day, int64_t year) {
  int64_t first = days_from_date(year, 1, 1);
  switch (day->kind) {
  case ZONE_JULIAN: /* 29 February is not counted */
    return first + day->day - 1 + (day->day >= 60 && days_is_leap(year));
  case ZONE_YEARDAY:
    return first + day->day;
  default:
    return find_weekday(day, year);
  }
}

typedef struct Change {
  int64_t at;
  bool dst;
} Change;

/* An end of summer time goes before a begin at the same time: that summer has no end. */
static bool is_before(const Change *a, const Change *b) {
  return a->at < b->at || (a->at == b->at && !a->dst && b->dst);
}

static void add_change(Change *list, int *count, Change change) {
  int i = (*count)++;
  for (; i > 0 && is_before(&change, &list[i - 1]); i--) list[i] = list[i - 1];
  list[i] = change;
}

ZoneSpan zone_rule_span(const ZoneRule *rule, int64_t at) {
  ZoneSpan span = {INT64_MIN, INT64_MAX, rule->offset, false, rule->name};
  Change list[CHANGES];
  int count = 0, i = 0;
  if (!rule->has_dst) return span;
  int64_t year = days_to_date(days_of(at)).year;
  for (int64_t y = year - YEARS_AROUND; y <= year + YEARS_AROUND; y++) {
    int64_t begin = find_day(&rule->begins, y) * DAY + rule->begins.time - rule->offset;
    int64_t end = find_day(&rule->ends, y) * DAY + rule->ends.time - rule->dst_offset;
    add_change(list, &count, (Change){begin, true});
    add_change(list, &count, (Change){end, false});
  }
  while (i + 1 < count && list[i + 1].at <= at) i++;
  span.from = list[i].at;
  if (i + 1 < count) span.to = list[i + 1].at;
  if (!list[i].dst) return span;
  return (ZoneSpan){span.from, span.to, rule->dst_offset, true, rule->dst_name};
}
