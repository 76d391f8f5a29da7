#include "core/clock.h"

#include <time.h>

static double seconds_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int64_t clock_micros(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* What a test has set it to; 0: it is the system's. */
static _Atomic double set_wall;

double clock_wall(void) {
  return set_wall != 0 ? set_wall : (double)clock_micros() / 1e6;
}

void clock_wall_set(double seconds) {
  set_wall = seconds;
}

double clock_monotonic(void) {
  return seconds_of(CLOCK_MONOTONIC);
}

double clock_cpu(void) {
  return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}
