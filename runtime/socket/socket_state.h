/* Beginning, being connected, being lost and trying again: what dispatch makes of what
 * the link reports. For the files of Socket. */
#ifndef TIDELOCK_SOCKET_SOCKET_STATE_H
#define TIDELOCK_SOCKET_SOCKET_STATE_H

#include "socket/socket_parts.h"

void socket_begin(Socket *s); /* an attempt, when the pace of all allows it */
void socket_on_ready(Socket *s);
void socket_on_joined(Socket *s, const char *json, size_t len);
void socket_on_lost(Socket *s, Loss *loss);

/* How long to wait before the next attempt. Pure. */
typedef struct Backoff {
  double delay, max_delay; /* seconds */
  double jitter;           /* 0..1: the share that is random */
} Backoff;

/* Seconds before reconnection number n (from 0): doubled each time, capped, and only then
 * spread, so that clients that reached the cap do not all come back at once. random: 0 <=
 * r < 1. */
double backoff_wait(const Backoff *b, double n, double random);

#endif
