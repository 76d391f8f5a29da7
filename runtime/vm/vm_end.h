/* The end of a Vm, in four steps. Between the first and the second its declarations and
 * traces are freed (resource/), which takes them from the resources they are bound to. */
#ifndef TIDELOCK_VM_VM_END_H
#define TIDELOCK_VM_VM_END_H

#include "vm/vm.h"

/* It retires: timers stop, tasks are killed (their waits cancelled). It may declare
 * nothing from now on, whatever still runs in `__close` methods. */
void vm_stop(Vm *vm);
/* It is dead: nothing in its state points at anything of the core's any more. */
void vm_sever(Vm *vm);
void vm_close(Vm *vm); /* the state, if it was opened; any thread */
void vm_free(Vm *vm);  /* what is left; not the struct */

#endif
