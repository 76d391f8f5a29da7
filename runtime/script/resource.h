/* Resources and declarations: how what must live outlives what may change.
 *
 * A *resource* is a thing of the core's (a connection, a server, a named timer, standard
 * input) that belongs to a script and a name, and lives across its generations. A
 * *declaration* is what one generation says of it: options, handlers. The handle a script
 * holds is a box on its declaration. At a swap the new declaration of the same kind and
 * name takes the resource over; with other options the resource is reopened under it.
 *
 * Another script may attach: its declaration names "script:name", is bound when that
 * resource exists, and pending until then. An event of a resource goes to all bound
 * declarations whose generation is live: its owner's first. */
#ifndef TIDELOCK_SCRIPT_RESOURCE_H
#define TIDELOCK_SCRIPT_RESOURCE_H

#include "script/handler.h"

typedef struct ResourceKind {
  const char *name;                       /* "socket" */
  int (*open)(Resource *res, Error *err); /* makes res->core from res->options, inert */
  void (*start)(Resource *res);           /* its generation has taken over; may be NULL */
  void (*close)(Resource *res);       /* releases res->core, without a word to scripts */
  bool (*alive)(const Resource *res); /* whether it holds the process */
  bool (*same)(const void *a, const void *b); /* options; NULL: always */
  void (*free_options)(void *options);        /* may be NULL when options are */
  /* A declaration is about to take the resource over, which is as it was (or newly
   * opened): what may fail and runs the script's functions. What comes of it waits for
   * join; it is dropped when the load is given up. May be NULL. */
  int (*prepare)(Resource *res, Declaration *decl, Error *err);
  void (*join)(Declaration *decl); /* it is bound, and its generation live; may be NULL */
  void (*drop)(Declaration *decl); /* it ends: releases decl->extra; may be NULL */
} ResourceKind;

struct Resource {
  Resource *prev, *next;
  const ResourceKind *kind;
  Script *owner;
  char *name;
  void *core, *options; /* options owned: what it was opened with */
  Declaration *decls;   /* all bound ones, the owner's current one first */
  Timer grace;          /* runs while nobody claims it */
};

enum { DECL_FUNCTIONS = 4 };

struct Declaration {
  Declaration *next;       /* in its generation */
  Declaration *next_bound; /* in resource->decls, or in runtime->pending */
  Generation *gen;
  const ResourceKind *kind;
  char *name;    /* attached: "script:name" */
  void *options; /* owned until it opened the resource; NULL after */
  Resource *res; /* NULL: not yet, or closed */
  bool attached;
  bool opened, reopened; /* by this declaration, and not yet started */
  bool beside;           /* reopened while the old core lives on, until all is well */
  void *old_core;        /* that one */
  HandlerList handlers, states,
      outgoing;                  /* of events, of changes of state, of what is sent */
  void *extra;                   /* the kind's own, released by its drop */
  int functions[DECL_FUNCTIONS]; /* references of options that are functions, by kind */
};

/* The argument as a name for declare: raises where a zero byte would cut it off. */
const char *declared_name(lua_State *L, int arg);
/* Declares for the generation of L; takes options (also when it raises). A live script's
 * declaration takes effect at once: then *err may be set and NULL returned. */
Declaration *declare(lua_State *L, const ResourceKind *kind, const char *name,
                     void *options, Error *err);
/* The same with options that are functions: references, taken (also when it raises). */
Declaration *declare_with(lua_State *L, const ResourceKind *kind, const char *name,
                          void *options, const int *functions, int count, Error *err);
Declaration *declare_attached(lua_State *L, const ResourceKind *kind, const char *target);

/* Whether events of the resource are for this declaration now. */
bool declaration_live(const Declaration *decl);
void declarations_free(
    Generation *gen); /* unbinds and releases all of its declarations */

/* The reconciling: opens, claims and reopens for a staged generation. On failure
 * everything is as before, and *err says what could not be opened. */
int resources_reconcile(Generation *gen, Error *err);
void resources_start(Generation *gen); /* after the generation took over */
/* What the script owns and nobody claims gets the grace, then is closed. */
void resources_orphan(Script *script);
bool resource_orphaned(const Resource *res);
void resource_close(Resource *res); /* unbinds, closes and releases it */

#endif
