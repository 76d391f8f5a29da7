/* See ending.h. */
#include "script/ending.h"

#include "core/clock.h"

static double timeout_of(const Ending *e) {
  return e->timeout > 0 ? e->timeout : STOP_TIMEOUT;
}

void ending_ask(Ending *e) {
  double never = 0;
  bool first = atomic_compare_exchange_strong(&e->asked, &never, clock_monotonic());
  if (first && e->asked_now) e->asked_now(e->ctx);
}

bool ending_asked(const Ending *e) {
  return atomic_load(&e->asked) > 0;
}

double ending_due(const Ending *e) {
  return atomic_load(&e->asked) + timeout_of(e);
}

double ending_scripts_due(const Ending *e) {
  double timeout = timeout_of(e);
  return ending_due(e) - (timeout < 2 ? timeout / 2 : 1);
}

double ending_left(const Ending *e) {
  double left = ending_due(e) - clock_monotonic();
  return left > 0 ? left : 0;
}

bool ending_scripts_over(const Ending *e) {
  return ending_asked(e) && clock_monotonic() >= ending_scripts_due(e);
}

bool ending_take(Ending *e) {
  return !atomic_exchange(&e->dropped, true);
}
