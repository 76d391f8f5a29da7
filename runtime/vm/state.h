/* The lua_State of a Vm: its memory account, its standard library (bounded),
 * require. */
#ifndef TIDELOCK_VM_STATE_H
#define TIDELOCK_VM_STATE_H

#include "vm/vm.h"

/* Makes vm->L; 0, or ERR_MEMORY. */
int state_open(Vm *vm, Error *err);

#endif
