/* The lua_State of a Vm: its memory account, its standard library (bounded),
 * require. */
#ifndef TIDELOCK_VM_STATE_H
#define TIDELOCK_VM_STATE_H

#include "vm/vm.h"

/* Makes vm->L; 0, or ERR_MEMORY. */
int state_open(Vm *vm, Error *err);

/* Whether it was refused a little lately, and holds about as much still: each further
 * allocation begins with a full collection. */
bool state_is_full(const Vm *vm);

#endif
