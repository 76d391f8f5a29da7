/* The reconciling of resources with what a generation declares: see reconcile.c. */
#ifndef TIDELOCK_RESOURCE_RECONCILE_H
#define TIDELOCK_RESOURCE_RECONCILE_H

#include "resource/resources.h"

/* What can be said against the declarations without opening anything. */
int resources_check(Vm *vm, Error *err);

/* Whether one of them is of a kind that only one script can have. */
bool resources_contend(const Vm *vm);

/* The reconciling, in steps; those that can fail come first. On failure *err says what
 * could not be, and where it was declared; then resources_undo, on which all is as it
 * was. */
int resources_open(Vm *vm, Error *err);    /* beside what there is */
int resources_replace(Vm *vm, Error *err); /* what excludes its predecessor */
void resources_undo(Vm *vm);
/* Claims: cannot fail, nor be undone. Appends what became of each, as "; 2 kept". */
void resources_bind(Vm *vm, Buffer *report);
void resources_start(Vm *vm); /* after the generation took over */
/* Resources of the script that nobody claims get the grace, then are closed. Appends
 * which they are. */
void resources_orphan(Owner *owner, double grace, Buffer *report);

/* A declaration of a script that runs: it takes effect at once. */
int declare_live(Declaration *decl, Error *err);

#endif
