/* The calendar: days since 1970 began, and dates, by the rules of the Gregorian calendar
 * in all years up to 10^15 away; what lies beyond is held for that far. Pure. */
#ifndef TIDELOCK_CORE_DAYS_H
#define TIDELOCK_CORE_DAYS_H

#include "core/base.h"

typedef struct Date {
  int64_t year;
  int month, day; /* 1 to 12, 1 to 31 */
} Date;

Date days_to_date(int64_t days);
int64_t days_from_date(int64_t year, int month, int day); /* month 1 to 12 */
int64_t days_of(int64_t seconds);                         /* the day that they lie in */
int days_weekday(int64_t days);                           /* 0: Sunday */
bool days_is_leap(int64_t year);

#endif
