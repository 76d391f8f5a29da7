/* Exponential backoff that caps first and spreads after. */
#include "socket/socket_backoff.h"

#include <math.h>

double backoff_wait(const Backoff *b, double n, double random) {
  double capped = fmin(b->max_delay, b->delay * exp2(n));
  return capped * (1 - b->jitter) + random * capped * b->jitter;
}
