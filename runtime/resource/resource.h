/* Making, finding, binding and closing resources and declarations (resources.h says what
 * they are). How a generation's declarations are made real is in reconcile.h; how scripts
 * declare, in declare.h. */
#ifndef TIDELOCK_RESOURCE_RESOURCE_H
#define TIDELOCK_RESOURCE_RESOURCE_H

#include "resource/resources.h"

/* Whether events of the resource are for this declaration now. */
bool declaration_live(const Declaration *decl);
void declarations_free(Vm *vm); /* unbinds and releases all of its declarations */

bool resource_orphaned(const Resource *res);
void resource_close(Resource *res); /* unbinds, closes and releases it */
/* The script ends: its resources begin nothing any more; what it declares then does. */
void resources_quiesce(Owner *owner);

/* --- for declare.c and reconcile.c -------------------------------------------------- */

/* Returns new, of the generation of L, which owns it; takes options. */
Declaration *declaration_new(lua_State *L, const ResourceKind *kind, const char *name,
                             void *options);
/* Takes it out of its generation again, and releases it. */
void declaration_remove(Declaration *decl);
/* All of the generation's of this kind and name, the attached ones too: the first, and
 * the next one. NULL: no more. */
Declaration *declaration_first(const Vm *vm, const ResourceKind *kind, const char *name);
Declaration *declaration_next(const Declaration *decl);
/* Returns new: "bot.lua:3", of the innermost frame that runs a source of the script's; or
 * NULL. Cannot raise. */
char *declaration_place(lua_State *L);

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
void resource_close_object(Resource *res);

/* The owner's goes first, the others in the order in which they came. */
void declaration_bind(Declaration *decl, Resource *res);
void declaration_attach(Declaration *decl); /* or leaves it pending */
void declaration_join(Declaration *decl);
/* It was opened: whoever waits for it is bound, in the order in which they came. */
void declarations_attach_to(Resource *res);

#endif
