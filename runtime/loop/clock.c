/* See clock.h. */
#include "loop/clock.h"

#include <uv.h>

double clock_real(void) {
  return (double)uv_hrtime() / 1e9;
}

void clock_stop(Clock *clock) {
  CHECK(!clock->stopped);
  clock->at = clock_at(clock, clock_real());
  clock->stopped = true;
}

void clock_set(Clock *clock, double at) {
  CHECK(clock->stopped && at >= clock->at);
  clock->at = at;
}

void clock_go(Clock *clock) {
  CHECK(clock->stopped);
  clock->ahead = clock->at - clock_real();
  clock->stopped = false;
}
