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

void charge_set(Charge *charge, size_t *held, size_t bytes) {
  if (charge) charge->used += bytes - *held;
  *held = bytes;
}

Charge *charge_hold(Charge *charge, size_t bytes) {
  charge_add(charge, bytes);
  return charge_ref(charge);
}

void charge_let_go(Charge *charge, size_t bytes) {
  charge_remove(charge, bytes);
  charge_unref(charge);
}

size_t charge_room(const Charge *charge) {
  if (!charge) return SIZE_MAX;
  return charge->used < charge->limit ? charge->limit - charge->used : 0;
}

static bool is_beyond(const Charge *charge, size_t more) {
  return charge && (charge->used >= charge->limit || more > charge->limit - charge->used);
}

bool charge_is_over(const Charge *charge, size_t more) {
  return !memory_has_much(more) || is_beyond(charge, more);
}

bool charge_is_full(const Charge *charge, size_t more) {
  return !memory_has(more) || is_beyond(charge, more);
}
