/* See vm.h. */
#include "vm/vm.h"

#include <lauxlib.h>

#include "bridge/source_line.h"

static void find_restricted(Vm *vm) {
  vm->restricted = vm->state == VM_STAGING || vm->applies;
}

void vm_set_state(Vm *vm, VmState state) {
  vm->state = state;
  find_restricted(vm);
}

void vm_set_applies(Vm *vm, const char *name) {
  vm->applies = name;
  find_restricted(vm);
}

void vm_init(Vm *vm, Owner *owner, const VmHooks *hooks, unsigned number) {
  vm->host = owner->host;
  vm->owner = owner;
  vm->hooks = hooks;
  vm->number = number;
  vm->memory_limit = vm->host->memory_limit;
  vm->last_decl = &vm->decls;
  vm_set_state(vm, VM_STAGING);
}

/* A load is bounded by what its own state may take. */
void need_memory(lua_State *L, size_t bytes) {
  Vm *vm = vm_of(L);
  if (vm->state != VM_STAGING && charge_is_full(vm->owner->charge, bytes))
    luaL_error(L, "not enough memory");
}

Charge *vm_hold(lua_State *L, size_t bytes) {
  return charge_hold(vm_of(L)->owner->charge, bytes);
}

void need_pure(lua_State *L, const char *what) {
  const Vm *vm = vm_of(L);
  if (vm->applies)
    source_line_raise(L,
                      "%s is not possible in the mutation %s: it is a function of its "
                      "drafts and its arguments alone",
                      what, vm->applies);
}

static void refuse_restricted(lua_State *L, const char *what) {
  need_pure(L, what);
  source_line_raise(
      L,
      "%s is not possible while the script loads (the top level only declares): do it "
      "in script.on_start(function() ... end) or a handler",
      what);
}

void need_loaded(lua_State *L, const char *what) {
  if (vm_of(L)->restricted) refuse_restricted(L, what);
}

void need_declaring(lua_State *L, const char *what) {
  need_pure(L, what);
  if (vm_of(L)->state == VM_RETIRING)
    source_line_raise(
        L,
        "%s: this generation of the script has been replaced; it may finish, "
        "but declare nothing new",
        what);
}
