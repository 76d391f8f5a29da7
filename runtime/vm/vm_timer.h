/* The anonymous timers of a Vm. Each is started when the Vm goes live, keeps the process
 * running while it runs, and is stopped with the Vm. */
#ifndef TIDELOCK_VM_VM_TIMER_H
#define TIDELOCK_VM_VM_TIMER_H

#include "vm/vm.h"

struct VmTimer {
  VmTimer *prev, *next;
  Vm *vm;
  void (*start)(VmTimer *timer);
  void (*stop)(VmTimer *timer); /* also releases it */
};

void vm_timer_add(Vm *vm, VmTimer *timer); /* starts it at once when the Vm is live */
void vm_timer_remove(VmTimer *timer);      /* does not call stop */
void vm_timers_start(Vm *vm);              /* the Vm goes live */
void vm_timers_stop(Vm *vm);
void vm_timers_free(Vm *vm); /* the ended ones */

#endif
