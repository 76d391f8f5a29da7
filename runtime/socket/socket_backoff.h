/* How long to wait before the next attempt. Pure. */
#ifndef TIDELOCK_SOCKET_SOCKET_BACKOFF_H
#define TIDELOCK_SOCKET_SOCKET_BACKOFF_H

typedef struct Backoff {
  double delay, max_delay; /* seconds */
  double jitter;           /* 0..1: the share that is random */
} Backoff;

/* Seconds before retry number n (from 0): doubled each time, capped, and only then
 * spread, so that clients that reached the cap do not all come back at once. random: 0 <=
 * r < 1.
 */
double backoff_wait(const Backoff *b, double n, double random);

#endif
