/* Calling a script's function that may not wait: selectors, migrations. Protected,
 * watched, with a traceback. (What may wait is a task.) */
#ifndef TIDELOCK_VM_CALL_H
#define TIDELOCK_VM_CALL_H

#include "vm/vm.h"

/* Runs `body` with `ctx` (as a light pointer) on the generation's main thread. False when
 * it raised: that is logged as an error in `what` of `of` (which may be NULL; without
 * `what` nothing is logged), and stands in *err, which may be NULL too. */
bool vm_call(Vm *vm, const char *what, const char *of, lua_CFunction body, void *ctx,
             Error *err);

typedef struct VmCallEnd {
  bool late; /* it raised since its turn had no time left */
} VmCallEnd;
/* The same as a turn of its own, inside one that may be another script's: its time counts
 * for the script of `vm`, and not for the turn around it. */
bool vm_call_apart(Vm *vm, const char *what, const char *of, lua_CFunction body,
                   void *ctx, VmCallEnd *end, Error *err);

#endif
