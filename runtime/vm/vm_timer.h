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

/* Starts it at once when the Vm is live. It comes first in the Vm's list, and the list
 * keeps this order: resource/timer.c relies on timers that are added one after the other
 * standing side by side. */
void vm_timer_add(Vm *vm, VmTimer *timer);
void vm_timer_remove(VmTimer *timer); /* does not call stop */
void vm_timers_start(Vm *vm);         /* the Vm goes live */
void vm_timers_stop(Vm *vm);
void vm_timers_free(Vm *vm); /* the ended ones */

#endif
