/* Holding a script back while what it printed is not read. Printing never waits; but
 * while more than 1 MiB of it is queued no new turn of the script begins: its tasks are
 * started and woken in order once the reader has gone on. The turn that runs goes on; all
 * other scripts, connections and timers do. Where the program ends nobody is held back,
 * nor is a script that ends itself. */
#ifndef TIDELOCK_VM_HOLD_H
#define TIDELOCK_VM_HOLD_H

#include "vm/task_types.h"

/* After a turn that was stopped at its limit: for a moment no other of this script
 * begins, so that however many of its functions never end the others have turns between.
 */
void hold_give_way(Owner *owner);
/* After a turn of this script that took so many seconds of CPU time. Where there are
 * other scripts it gives way each time its turns have taken SHARE together: its queued
 * events then go behind all of theirs, one turn a round. */
void hold_used(Owner *owner, double seconds);
/* After a turn in which memory was refused: what that turn left is collected, in slices
 * between the turns of others, before another of this script begins. Else the first
 * allocation of the next would collect everything at once. */
void hold_collect(Vm *vm);
/* Whether a turn of this Vm may not begin now. A Vm whose tasks are cut is not held. */
bool hold_wanted(const Vm *vm);
/* The same for a store's subscribers, which can be called later: notes that they were
 * passed over. */
bool hold_skips(const Vm *vm);
/* Keeps the event of a task that would run; it is run later, in order. */
void hold_event(Vm *vm, Event *event);
/* Moves the values that `push` pushes, or the error that it raises, onto the coroutine of
 * a task that waits: `ctx` need not live on. hold_push returns them when the task is
 * resumed with task->args values. */
void hold_values(Task *task, TaskPush *push, void *ctx);
int hold_push(lua_State *L, void *task);
/* Whether held events fill half of the script's memory: then events wait in their
 * connections. */
bool hold_is_heavy(const Vm *vm);
/* Whether one more tick of a repeating timer may be held: else it is passed over. */
bool hold_has_room(const Vm *vm);

/* Another generation is about to take over: what came to this one is to run before, so
 * that the next one has what that leaves in script.keep. Runs the first of the held
 * events before all that is queued, and `then` right behind it. False: nothing is held,
 * or what is may not run, as the script's text is not read. */
bool hold_run_first(Owner *owner, Event *then);

/* Begin and end listening to the output. */
void hold_open(Host *host);
void hold_close(Host *host);
/* The program or a generation ends: all held events are queued again. */
void hold_end(Owner *owner);
void hold_free(Owner *owner); /* the same; its printed text counts for nobody then */

#endif
