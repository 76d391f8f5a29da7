/* What the core holds for one owner, a script: values, packets that wait. One number,
 * shared by all that hold something, each of which refuses what does not fit. Owned by
 * those who refer to it; the loop's thread. */
#ifndef TIDELOCK_CORE_CHARGE_H
#define TIDELOCK_CORE_CHARGE_H

#include "core/base.h"

/* Its fields are charge.c's; here so that reading it, at each allocation of Lua's, calls
 * nothing. */
typedef struct Charge {
  size_t used, limit;
  int refs;
} Charge;

Charge *charge_new(size_t limit);   /* bytes; returns new, with one reference */
Charge *charge_ref(Charge *charge); /* NULL gives NULL */
void charge_unref(Charge *charge);  /* NULL is harmless */
/* For something that is held for a while: a reference, and so many bytes more. Gives
 * `charge`; charge_let_go undoes both. */
Charge *charge_hold(Charge *charge, size_t bytes);
void charge_let_go(Charge *charge, size_t bytes);
void charge_add(Charge *charge, size_t bytes);
void charge_remove(Charge *charge, size_t bytes);
/* For something that grows and shrinks: `*held`, what it was charged with, is `bytes`
 * from now on. */
void charge_set(Charge *charge, size_t *held, size_t bytes);
static inline size_t charge_used(const Charge *charge) {
  return charge->used;
}
/* Whether so much more is too much: over the limit, or more than the system has. NULL:
 * only that. */
bool charge_is_full(const Charge *charge, size_t more);
/* The same, but a little is never refused for the system's sake (memory_has_much): for
 * what a connection cannot do without. */
bool charge_is_over(const Charge *charge, size_t more);
size_t charge_room(const Charge *charge); /* below the limit; NULL: SIZE_MAX */

#endif
