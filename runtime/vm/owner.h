/* A script as its Vms and resources see it: a name, an account, and its held events.
 * Embedded in Script; the Vms of all its generations refer to it. */
#ifndef TIDELOCK_VM_OWNER_H
#define TIDELOCK_VM_OWNER_H

#include "core/charge.h"
#include "core/index.h"
#include "vm/host.h"

typedef struct StageClock {
  double used, slice_start; /* CPU seconds */
} StageClock;

/* Events held back while the script's printed text is not read: see hold.h. */
typedef struct HeldBack {
  Event *first, **last;
  size_t count;
  Event go_on;
  bool queued;  /* go_on is in the inbox */
  bool running; /* a held event runs */
  bool skipped; /* a subscriber was passed over */
  bool rests;   /* its turns took long; until `rest` fires */
  Timer rest;
  Event rested;   /* ends the rest */
  bool rest_ends; /* `rested` is in the inbox */
  double used;    /* seconds of CPU time since it rested last */
  bool logged;
} HeldBack;

struct Owner {
  Owner *next;
  Host *host;
  char *name;      /* owned */
  Charge *charge;  /* memory of the core's for it, three quarters of its limit at most;
                      owned */
  Index resources; /* its own, by kind and name */
  Vm *current;     /* the live one; NULL before the first load */
  Task *stage;     /* the top level that runs; borrowed */
  StageClock stage_clock;
  OutputAccount printed; /* its text that nobody has read */
  HeldBack hold;
  bool ending; /* it ends itself, alone */
};

/* The script of that name; NULL: there is none. */
Owner *owner_find(const Host *host, const char *name, size_t len);

/* Whether it is the first named script: that one owns standard input, and its exit, or a
 * failure of its first load, ends the process. The others start, fail and end alone. */
bool owner_is_first(const Owner *owner);

#endif
