/* The bytes that the core holds for one script: values, packets that wait. All holders of
 * such memory share one count, and each refuses what exceeds its limit.
 * Reference-counted; loop thread only. */
#ifndef TIDELOCK_CORE_CHARGE_H
#define TIDELOCK_CORE_CHARGE_H

#include "core/base.h"

/* Private to charge.c; visible so that each allocation of Lua's reads it without a call.
 */
typedef struct Charge {
  size_t used, limit;
  int refs;
} Charge;

Charge *charge_new(size_t limit);   /* bytes; returns new, with one reference */
Charge *charge_ref(Charge *charge); /* NULL gives NULL */
void charge_unref(Charge *charge);  /* NULL does nothing */
/* For memory that is held for a while: takes a reference and adds the bytes. Returns
 * `charge`; charge_let_go undoes both. */
Charge *charge_hold(Charge *charge, size_t bytes);
void charge_let_go(Charge *charge, size_t bytes);
void charge_add(Charge *charge, size_t bytes);
void charge_remove(Charge *charge, size_t bytes);
/* For memory that grows and shrinks: charges `bytes` in place of `*held`, and sets it. */
void charge_set(Charge *charge, size_t *held, size_t bytes);
static inline size_t charge_used(const Charge *charge) {
  return charge->used;
}
/* Whether `more` bytes exceed the limit, or the system's memory. NULL: only the latter.
 */
bool charge_is_full(const Charge *charge, size_t more);
/* The same, but a few bytes count as had by the system (memory_has_much): for memory that
 * a connection cannot do without. */
bool charge_is_over(const Charge *charge, size_t more);
size_t charge_room(const Charge *charge); /* below the limit; NULL: SIZE_MAX */

#endif
