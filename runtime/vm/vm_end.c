/* See vm_end.h. */
#include "vm/vm_end.h"

#include "bridge/box.h"
#include "bridge/view.h"
#include "vm/task.h"
#include "vm/vm_timer.h"

static void log_stopped(const Vm *vm) {
  if (vm->stopped > 1)
    log_write(vm->host->log, LOG_WARN, vm->owner->name,
              "%u more tasks were cancelled and went on waiting: they are stopped",
              vm->stopped - 1);
}

void vm_stop(Vm *vm) {
  CHECK(vm->state != VM_DEAD);
  vm_set_state(vm, VM_RETIRING);
  vm_timers_stop(vm);
  while (vm->tasks) task_kill(vm->tasks);
  log_stopped(vm);
}

void vm_sever(Vm *vm) {
  CHECK(!vm->decls && !vm->timers && !vm->tasks);
  if (vm->L) boxes_sever(vm->L);
  if (vm->L) views_sever(vm->L);
  vm_set_state(vm, VM_DEAD);
}

void vm_close(Vm *vm) {
  if (vm->L) lua_close(vm->L);
}

void vm_free(Vm *vm) {
  CHECK(vm->state == VM_DEAD && vm->memory == 0);
  blocks_free(&vm->blocks);
  charge_remove(vm->owner->charge, vm->timer_bytes);
  vm_timers_free(vm);
}
