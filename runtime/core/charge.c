/* See charge.h. */
#include "core/charge.h"

#include <stdlib.h>

Charge *charge_new(size_t limit) {
  Charge *charge = xcalloc(1, sizeof *charge);
  *charge = (Charge){.limit = limit, .refs = 1};
  return charge;
}

Charge *charge_ref(Charge *charge) {
  if (charge) charge->refs++;
  return charge;
}

void charge_unref(Charge *charge) {
  if (charge && --charge->refs == 0) free(charge);
}

void charge_add(Charge *charge, size_t bytes) {
  if (charge) charge->used += bytes;
}

void charge_remove(Charge *charge, size_t bytes) {
  if (charge) charge->used -= bytes;
}

Charge *charge_hold(Charge *charge, size_t bytes) {
  charge_add(charge, bytes);
  return charge_ref(charge);
}

void charge_let_go(Charge *charge, size_t bytes) {
  charge_remove(charge, bytes);
  charge_unref(charge);
}

bool charge_is_full(const Charge *charge, size_t more) {
  if (!memory_has(more)) return true;
  return charge && (charge->used >= charge->limit || more > charge->limit - charge->used);
}
