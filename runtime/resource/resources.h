/* Resources and declarations: how what must live outlives what may change.
 *
 * A *resource* is an object of the core's (a connection, a server, a named timer,
 * standard input) that belongs to a script and a name, and lives across its generations.
 * A *declaration* is what one generation says of it: options, handlers. The handle a
 * script holds is a box on its declaration. At a swap the new declaration of the same
 * kind and name takes the resource over; with other options the resource is changed in
 * place where its kind can, or reopened under it.
 *
 * Another script may attach: its declaration names "script:name", is bound when that
 * resource exists, and pending until then. An event of a resource goes to all bound
 * declarations whose generation is live: its owner's first.
 *
 * Resources, embedded in the Runtime, holds all of a process and what they stand on; the
 * Runtime owns what is in it. Loop thread only. */
#ifndef TIDELOCK_RESOURCE_RESOURCES_H
#define TIDELOCK_RESOURCE_RESOURCES_H

#include <stdatomic.h>

#include "core/index.h"
#include "bridge/box.h"
#include "loop/span.h"
#include "net/net.h"
#include "server/door.h"
#include "vm/handler.h"
#include "vm/vm.h"

typedef struct Resource Resource;
typedef struct Stores Stores;
typedef struct CookieJar CookieJar;

typedef struct Resources {
  Host *host;
  Resource *first;
  Index pending; /* declarations attached to what does not exist yet, by kind and name */
  Timer pending_timer; /* when they are logged: pending.h */
  Net *net;
  Servers *servers;
  Stores *stores;
  struct Mutations *mutations;
  CookieJar *jars;          /* of cookies, of all scripts: cookie_jars.h */
  struct Folders *folders;  /* that scripts are allowed; borrowed; NULL: none */
  Index connections;        /* the open ones, by number */
  uint64_t last_connection; /* its number: each has one of its own */
  const char *data;         /* folder of this profile; NULL: keep nothing; borrowed */
  bool check_only;          /* only declarations are looked at: nothing is kept */
  atomic_size_t *unsaved;   /* counts jobs that wait to be written to the disk */
} Resources;

static inline Resources *resources_of(const Vm *vm) {
  return vm->host->resources;
}

/* --- one of them ------------------------------------------------------------------- */

typedef struct ResourceKind {
  const char *name; /* "socket" */
  /* One script alone can have it, the first script named before all others: a load that
   * declares it waits until the first load of that script is over. */
  bool of_one_script;
  /* Makes res->object from res->options, inert. It takes nothing from others: the load
   * may still be given up. */
  int (*open)(Resource *res, Error *err);
  /* Its generation has taken over: cannot fail. What is another's is taken here. May be
   * NULL. */
  void (*start)(Resource *res);
  void (*close)(Resource *res); /* releases res->object, without a word to scripts */
  bool (*alive)(const Resource *res);         /* whether it holds the process */
  bool (*same)(const void *a, const void *b); /* options; NULL: always */
  /* Whether the object can go on under the new options; at the swap `change` puts
   * res->options into effect, and cannot fail. NULL: never. */
  bool (*in_place)(const void *old, const void *fresh);
  void (*change)(Resource *res, const void *before);
  /* Whether the two cannot be open at once (one port): then the old one is closed first,
   * as the last step of all. NULL: they can. */
  bool (*exclusive)(const void *old, const void *fresh);
  /* Appends the names of the options that differ, for people. NULL: "options". */
  void (*differs)(const void *old, const void *fresh, Buffer *out);
  /* What is wrong with the options, as far as it shows without opening. NULL: nothing. */
  int (*check)(const void *options, Error *err);
  void (*free_options)(void *options); /* may be NULL when options are */
  /* A declaration is about to take the resource over, which is as it was (or newly
   * opened): what may fail and runs the script's functions. What comes of it waits for
   * join; it is dropped when the load is given up. May be NULL. */
  int (*prepare)(Resource *res, Declaration *decl, Error *err);
  void (*join)(Declaration *decl); /* it is bound, and its generation live; may be NULL */
  /* Whether the resource is kept from a declaration that is attached to it, and what the
   * owner would have to say. NULL: it never is. */
  bool (*withheld)(const Declaration *decl);
  const char *shares;
  /* Its script or the process ends: it begins nothing any more. NULL: it goes on until it
   * is closed. */
  void (*quiesce)(Resource *res);
  void (*lose)(Declaration *decl);  /* the resource is closed under it; may be NULL */
  void (*leave)(Declaration *decl); /* it ends, and is bound yet; may be NULL */
  void (*drop)(Declaration *decl);  /* it ends: releases decl->extra; may be NULL */
} ResourceKind;

struct Resource {
  Resource *prev, *next;
  IndexNode node; /* in the owner's `resources`, by kind and name */
  const ResourceKind *kind;
  Owner *owner;
  char *name;         /* to be changed by resource_rename alone */
  void *object;       /* the kind's own: a connection, a store, ...; NULL: lost */
  void *options;      /* owned: what it was opened with */
  Declaration *decls; /* all bound ones, the owner's current one first */
  Span grace;         /* runs while nobody claims it */
};

enum { DECL_FUNCTIONS = 5 };

/* What a declaration does to its resource at the swap. */
typedef enum Plan {
  PLAN_KEEP,
  PLAN_OPEN,            /* it is new */
  PLAN_CHANGE,          /* other options, under the same object */
  PLAN_OPEN_NEW_FIRST,  /* opened anew beside the old object, until all is well */
  PLAN_CLOSE_OLD_FIRST, /* opened anew when the old object is closed: the last step */
  PLAN_REPLACED         /* that is done */
} Plan;

struct Declaration {
  Declaration *next, **at; /* in its generation */
  Declaration *next_bound; /* in resource->decls */
  IndexNode waiting; /* in the runtime's `pending`, by kind and name, while `pends` */
  bool pends;
  Box *boxes;     /* the handles of it */
  IndexNode node; /* in its generation's `declared`, by kind and name */
  Vm *vm;
  const ResourceKind *kind;
  char *name;            /* attached: "script:name" */
  char *place;           /* "bot.lua:3", where it was declared; NULL: not known */
  void *options;         /* owned; once realised: NULL, or the options of before */
  Resource *res;         /* NULL: not yet, or closed */
  bool attached, logged; /* logged: that it is pending, or not shared */
  Plan plan;             /* until its generation is started */
  void *old_object;      /* of PLAN_OPEN_NEW_FIRST */
  char *old_name;        /* of what is renamed to this; owned; NULL: it is not */
  HandlerList handlers, states, outgoing, drops; /* of events, of changes of state, of
                                                    what is sent, of what is not */
  void *extra;                   /* the kind's own, released by its drop */
  int functions[DECL_FUNCTIONS]; /* references of options that are functions, by kind */
};

#endif
