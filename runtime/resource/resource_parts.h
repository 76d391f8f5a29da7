/* What resource.c and reconcile.c share; nobody else includes it. */
#ifndef TIDELOCK_RESOURCE_RESOURCE_PARTS_H
#define TIDELOCK_RESOURCE_RESOURCE_PARTS_H

#include "resource/resource.h"

/* The script's own of this kind and name; NULL: there is none. Borrows. */
Resource *resource_for(const Declaration *decl);
/* Takes the name; returns the one before, owned by the caller. */
char *resource_rename(Resource *res, char *name);
/* The generation's own declaration of this kind and name; NULL: there is none. */
Declaration *declaration_of(const Vm *vm, const ResourceKind *kind, const char *name);
/* Opens a new one with the declaration's options, which it takes; NULL with *err. */
Resource *resource_open(Declaration *decl, Error *err);
/* The kind's own part of taking a resource over that may fail. */
int resource_prepare(Resource *res, Declaration *decl, Error *err);
void resource_close_core(Resource *res);

/* The owner's goes first, the others in the order in which they came. */
void declaration_bind(Declaration *decl, Resource *res);
void declaration_attach(Declaration *decl); /* or leaves it pending */
void declaration_join(Declaration *decl);
/* It was opened: whoever waits for it is bound, in the order in which they came. */
void declarations_attach_to(Resource *res);

/* A declaration of a script that runs: it takes effect at once. */
int declare_live(Declaration *decl, Error *err);

#endif
