/* See vm_timer.h. */
#include "vm/vm_timer.h"

#include <stdlib.h>

void vm_timer_add(Vm *vm, VmTimer *timer) {
  timer->vm = vm;
  timer->prev = NULL;
  timer->next = vm->timers;
  if (vm->timers) vm->timers->prev = timer;
  vm->timers = timer;
  if (vm->state == VM_LIVE) timer->start(timer);
}

void vm_timer_remove(VmTimer *timer) {
  if (timer->prev) timer->prev->next = timer->next;
  else timer->vm->timers = timer->next;
  if (timer->next) timer->next->prev = timer->prev;
}

void vm_timers_start(Vm *vm) {
  for (VmTimer *t = vm->timers, *next; t; t = next) {
    next = t->next;
    t->start(t);
  }
}

void vm_timers_stop(Vm *vm) {
  while (vm->timers) {
    VmTimer *t = vm->timers;
    vm_timer_remove(t);
    t->stop(t);
  }
}

void vm_timers_free(Vm *vm) {
  while (vm->spare) {
    VmTimer *t = vm->spare;
    vm->spare = t->next;
    free(t);
  }
}
