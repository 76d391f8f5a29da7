/* Holding a script back while what it printed is not read. Printing never waits; but
 * while more than 1 MiB of it is queued no new turn of the script begins: its tasks are
 * started and woken in order once the reader has gone on. The turn that runs goes on; all
 * other scripts, connections and timers do. Where the program ends nobody is held back,
 * nor is a script that ends itself. */
#ifndef TIDELOCK_VM_HOLD_H
#define TIDELOCK_VM_HOLD_H

#include "vm/task_parts.h"

/* After a turn that was stopped at its limit: for a moment no other of this script
 * begins, so that however many of its functions never end the others have turns between.
 */
void hold_rest(Owner *owner);
/* After a turn of this script that took so many seconds of CPU time. Beside others it
 * gives way each time that its turns have had SHARE together: what of it is queued then
 * goes behind all that is theirs, one turn a round. */
void hold_used(Owner *owner, double seconds);
/* Whether a turn of this generation may not begin now. One that is cut ends now. */
bool hold_wanted(const Vm *vm);
/* The same for what can be done later as well, when a store is looked at again. */
bool hold_skips(const Vm *vm);
/* Keeps the event of a task that would run; it is run later, in order. */
void hold_event(Vm *vm, Event *event);
/* Moves what `push` pushes, or raises, onto the coroutine of a task that waits: what it
 * refers to need not live on. hold_push hands it on when the task is resumed with
 * task->args values. */
void hold_values(Task *task, TaskPush *push, void *ctx);
int hold_push(lua_State *L, void *task);
/* Whether what is held fills the script's memory: then events wait in their connections.
 */
bool hold_is_heavy(const Vm *vm);
/* Whether what comes again and again may still be kept: else it is passed over. */
bool hold_has_room(const Vm *vm);

/* Listens to the output, and no longer. */
void hold_open(Host *host);
void hold_close(Host *host);
/* The program or a version ends: all that is held is looked at again. */
void hold_end(Owner *owner);
void hold_free(Owner *owner); /* the same; its text is nobody's from now on */

#endif
