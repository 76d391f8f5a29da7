/* What of a Vm runs beside its tasks: its anonymous timers. One is started when the Vm
 * goes live, holds the process while it runs, and is stopped with it. */
#ifndef TIDELOCK_VM_VM_TIMER_H
#define TIDELOCK_VM_VM_TIMER_H

#include "vm/vm.h"

struct VmTimer {
  VmTimer *prev, *next;
  Vm *vm;
  void (*start)(VmTimer *timer);
  void (*stop)(VmTimer *timer); /* releases it too */
};

void vm_timer_add(Vm *vm, VmTimer *timer); /* starts it at once when the Vm is live */
void vm_timer_remove(VmTimer *timer);      /* does not call stop */
void vm_timers_start(Vm *vm);              /* it goes live */
void vm_timers_stop(Vm *vm);
void vm_timers_free(Vm *vm); /* those that ended */

#endif
