/* The calendar: see days.h. Years are counted from March here: the leap day is their
 * last. */
#include "core/days.h"

enum { ERA_YEARS = 400, ERA_DAYS = 146097, FROM_MARCH_0 = 719468 };

#define FAR_YEARS 1000000000000000
#define FAR_DAYS (FAR_YEARS * 366)

static int64_t hold_within(int64_t value, int64_t most) {
  return value < -most ? -most : value > most ? most : value;
}

static int64_t divide_down(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

int64_t days_from_date(int64_t year, int month, int day) {
  year = hold_within(year, FAR_YEARS) - (month <= 2);
  int64_t era = divide_down(year, ERA_YEARS), of_era = year - era * ERA_YEARS;
  int64_t of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
  return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
         FROM_MARCH_0;
}

int64_t days_of(int64_t seconds) {
  return divide_down(seconds, 86400);
}

Date days_to_date(int64_t days) {
  days = hold_within(days, FAR_DAYS);
  int64_t era = divide_down(days + FROM_MARCH_0, ERA_DAYS);
  int64_t of_era = days + FROM_MARCH_0 - era * ERA_DAYS;
  int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int of_year = (int)(of_era - (365 * year + year / 4 - year / 100));
  int month = (5 * of_year + 2) / 153;
  return (Date){year + era * ERA_YEARS + (month >= 10),
                month < 10 ? month + 3 : month - 9, of_year - (153 * month + 2) / 5 + 1};
}

int days_weekday(int64_t days) {
  return (int)(days % 7 + 4 + 7) % 7; /* 1970 began on a Thursday */
}

bool days_is_leap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}
