/* Dates of HTTP: see httpdate.h. */
#include "proto/httpdate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/days.h"

static const double longest_wait = 365 * 86400.0;

typedef struct Parts {
  int day, month, year, hour, min, sec;
} Parts;

/* 1 to 12, or 0. */
static int month_of(const char *name) {
  static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (size_t i = 0; i < COUNT_OF(names); i++)
    if (strcasecmp(name, names[i]) == 0) return (int)i + 1;
  return 0;
}

/* The current year. */
static int year_of(double now) {
  return 1970 + (int)floor(now / (365.2425 * 86400));
}

static int full_year(int two_digits, double now) {
  int this_year = year_of(now), year = this_year / 100 * 100 + two_digits;
  return year > this_year + 50 ? year - 100 : year;
}

/* Whether nothing but the text up to `used` was there, and all of it was read. */
static bool ends_at(const char *text, int used) {
  return used > 0 && text[used] == '\0';
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" and "Sunday, 06-Nov-94 08:49:37 GMT". */
static bool read_with_zone(const char *text, Parts *p, double now) {
  char month[4];
  int used = 0;
  const char *rest = strchr(text, ',');
  if (!rest || rest[1] != ' ') return false;
  rest += 2;
  sscanf(rest, "%2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &p->day, month, &p->year, &p->hour,
         &p->min, &p->sec, &used);
  if (!ends_at(rest, used)) {
    used = 0;
    sscanf(rest, "%2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &p->day, month, &p->year,
           &p->hour, &p->min, &p->sec, &used);
    if (!ends_at(rest, used)) return false;
    p->year = full_year(p->year, now);
  }
  p->month = month_of(month);
  return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool read_asctime(const char *text, Parts *p) {
  char month[4];
  int used = 0;
  sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &p->day, &p->hour,
         &p->min, &p->sec, &p->year, &used);
  if (!ends_at(text, used)) return false;
  p->month = month_of(month);
  return true;
}

static bool is_date(const Parts *p) {
  if (p->month == 0 || p->day < 1 || p->year < 0) return false;
  bool december = p->month == 12;
  long next =
      days_from_date(december ? p->year + 1 : p->year, december ? 1 : p->month + 1, 1);
  return days_from_date(p->year, p->month, p->day) < next && p->hour >= 0 &&
         p->hour < 24 && p->min >= 0 && p->min < 60 && p->sec >= 0 && p->sec <= 60;
}

static double seconds_of(const Parts *p) {
  double seconds = p->hour * 3600.0 + p->min * 60.0 + p->sec;
  return (double)days_from_date(p->year, p->month, p->day) * 86400 + seconds;
}

double http_date(const char *text, double now) {
  Parts p;
  if (!text || strpbrk(text, "+\t\n\r")) return NAN;
  if (!read_with_zone(text, &p, now) && !read_asctime(text, &p)) return NAN;
  return is_date(&p) ? seconds_of(&p) : NAN;
}

/* --- of cookies ------------------------------------------------------------------- */

enum { HAS_TIME = 1, HAS_DAY = 2, HAS_MONTH = 4, HAS_YEAR = 8, HAS_ALL = 15 };

static bool is_delimiter(char c) {
  return c == '\t' || (c >= ' ' && c <= '/') || (c >= ';' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/* Exactly so many digits at the start of the text. */
static bool has_digits(const char *text, size_t least, size_t most) {
  size_t n = strspn(text, "0123456789");
  return n >= least && n <= most;
}

static bool is_time(const char *token, Parts *p) {
  const char *min = strchr(token, ':'), *sec = min ? strchr(min + 1, ':') : NULL;
  if (!sec || !has_digits(token, 1, 2) || !has_digits(min + 1, 1, 2) ||
      !has_digits(sec + 1, 1, 2))
    return false;
  return sscanf(token, "%2d:%2d:%2d", &p->hour, &p->min, &p->sec) == 3;
}

/* What a token is: the first of time, day, month and year that it may be and that is not
 * there yet. */
static void take_token(const char *token, Parts *p, int *found) {
  char name[4] = "";
  Parts time = *p;
  snprintf(name, sizeof name, "%.3s", token);
  if (!(*found & HAS_TIME) && is_time(token, &time)) {
    *p = time;
    *found |= HAS_TIME;
  } else if (!(*found & HAS_DAY) && has_digits(token, 1, 2)) {
    p->day = atoi(token);
    *found |= HAS_DAY;
  } else if (!(*found & HAS_MONTH) && month_of(name)) {
    p->month = month_of(name);
    *found |= HAS_MONTH;
  } else if (!(*found & HAS_YEAR) && has_digits(token, 2, 4)) {
    p->year = atoi(token);
    if (p->year < 100) p->year += p->year < 70 ? 2000 : 1900;
    *found |= HAS_YEAR;
  }
}

double http_cookie_date(const char *text) {
  Parts p = {0};
  int found = 0;
  while (*text) {
    char token[32];
    size_t len = 0;
    while (text[len] && !is_delimiter(text[len])) len++;
    snprintf(token, sizeof token, "%.*s", (int)(len < sizeof token ? len : 0), text);
    if (*token) take_token(token, &p, &found);
    text += len + (text[len] != 0);
  }
  return found == HAS_ALL && p.year >= 1601 && is_date(&p) ? seconds_of(&p) : NAN;
}

/* --- Retry-After ------------------------------------------------------------------ */

/* Digits, and more of them behind a point. */
static bool is_number(const char *text) {
  size_t len = strspn(text, "0123456789");
  if (len == 0) return false;
  if (text[len] == '.') len += 1 + strspn(text + len + 1, "0123456789");
  return text[len] == '\0';
}

/* From the date of the answer, or from now. */
static double seconds_until(const char *value, const char *date, double now) {
  double from = date ? http_date(date, now) : NAN;
  return http_date(value, now) - (isnan(from) ? now : from);
}

double http_retry_after(const char *value, const char *date, double now) {
  if (!value) return NAN;
  double seconds =
      is_number(value) ? strtod(value, NULL) : seconds_until(value, date, now);
  return isnan(seconds) ? NAN : fmin(fmax(0, ceil(seconds)), longest_wait);
}
