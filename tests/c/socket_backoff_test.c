/* How 10,000 clients that lost their server at one moment come back: for each retry, the
 * waits are spread evenly over the share of the (capped) delay that is random. Beside it
 * the rule of the reference client (socket.io-client 4.8, contrib/backo2), which caps
 * what it has spread: from the fifth retry on all come at the same moment. */
#include "socket/socket_state.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CLIENTS = 10000, RETRIES = 8, BUCKETS = 20, WIDTH = 40 };

static const Backoff defaults = {1, 5, 0.5}; /* those of tidelock.socket */

/* The same numbers in each run: what is tested is the rule, not chance (xorshift64*). */
static double share(uint64_t *seed) {
  *seed ^= *seed >> 12;
  *seed ^= *seed << 25;
  *seed ^= *seed >> 27;
  return (double)((*seed * 0x2545F4914F6CDD1DULL) >> 11) / 9007199254740992.0;
}

static double reference_wait(const Backoff *b, int n, double random) {
  double wait = b->delay * exp2(n);
  double deviation = floor(random * b->jitter * wait * 1000) / 1000;
  bool less = ((int)floor(random * 10) & 1) == 0;
  return fmin(less ? wait - deviation : wait + deviation, b->max_delay);
}

typedef struct Spread {
  int ours[BUCKETS], theirs[BUCKETS]; /* over 0 .. max_delay */
  int even[BUCKETS];                  /* ours, over the share that is random */
} Spread;

static int bucket(double value, double from, double to) {
  int at = (int)((value - from) / (to - from) * BUCKETS);
  return at < 0 ? 0 : at < BUCKETS ? at : BUCKETS - 1;
}

static void simulate(const Backoff *b, int n, uint64_t *seed, Spread *spread) {
  double most = fmin(b->max_delay, b->delay * exp2(n)), least = most * (1 - b->jitter);
  for (int i = 0; i < CLIENTS; i++) {
    double random = share(seed), wait = backoff_wait(b, n, random);
    assert_true(wait >= least && wait < most);
    spread->ours[bucket(wait, 0, b->max_delay)]++;
    spread->even[bucket(wait, least, most)]++;
    spread->theirs[bucket(reference_wait(b, n, random), 0, b->max_delay)]++;
  }
}

/* 19 degrees of freedom: 43.8 is passed by one in a thousand even spreads. */
static double chi_square(const int *counts) {
  double sum = 0, expected = (double)CLIENTS / BUCKETS;
  for (int i = 0; i < BUCKETS; i++)
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  return sum;
}

static int highest(const int *counts) {
  int most = 0;
  for (int i = 0; i < BUCKETS; i++)
    if (counts[i] > most) most = counts[i];
  return most;
}

static void show(const Spread *spread) {
  static const char bar[] = "########################################";
  for (int i = 0; i < BUCKETS; i++)
    print_message("# %5.2f s %6d %-*.*s %6d %.*s\n", 5.0 * i / BUCKETS, spread->ours[i],
                  WIDTH, spread->ours[i] * WIDTH / CLIENTS, bar, spread->theirs[i],
                  spread->theirs[i] * WIDTH / CLIENTS, bar);
}

static void test_spreads_evenly(void **state) {
  (void)state;
  uint64_t seed = 20240301;
  for (int n = 0; n < RETRIES; n++) {
    Spread spread = {0};
    simulate(&defaults, n, &seed, &spread);
    print_message("# retry %d: chi-square %.1f; in the fullest quarter of a second %d of "
                  "ours, %d by the reference client's rule\n",
                  n + 1, chi_square(spread.even), highest(spread.ours),
                  highest(spread.theirs));
    if (n == 0 || n == 2 || n == RETRIES - 1) show(&spread);
    assert_true(chi_square(spread.even) < 43.8);
  }
}

/* At the cap, half the delay is random: a tenth of them in each of ten quarters. */
static void test_no_herd_at_the_cap(void **state) {
  (void)state;
  uint64_t seed = 7;
  Spread spread = {0};
  simulate(&defaults, 20, &seed, &spread);
  assert_true(highest(spread.ours) < CLIENTS / 10 * 12 / 10);
  assert_int_equal(highest(spread.theirs), CLIENTS); /* what is to be avoided */
}

static void test_full_jitter(void **state) {
  (void)state;
  Backoff all = {1, 5, 1};
  uint64_t seed = 99;
  Spread spread = {0};
  simulate(&all, 20, &seed, &spread);
  assert_true(chi_square(spread.ours) < 43.8);
}

/* Each client draws anew each time: who came early comes late the next time. */
static void test_no_wave(void **state) {
  (void)state;
  uint64_t seed = 42;
  double together = 0;
  for (int i = 0; i < CLIENTS; i++) {
    double first = backoff_wait(&defaults, 5, share(&seed)) - 3.75;
    together += first * (backoff_wait(&defaults, 6, share(&seed)) - 3.75);
  }
  assert_true(fabs(together / CLIENTS / (2.5 * 2.5 / 12)) < 0.05); /* correlation */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_spreads_evenly),
      cmocka_unit_test(test_no_herd_at_the_cap),
      cmocka_unit_test(test_full_jitter),
      cmocka_unit_test(test_no_wave),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
