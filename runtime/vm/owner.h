/* What a script is to its Vms and its resources: a name, an account, and what is held
 * back of it. Embedded in Script, whose generations' Vms all refer to it. */
#ifndef TIDELOCK_VM_OWNER_H
#define TIDELOCK_VM_OWNER_H

#include "core/charge.h"
#include "core/index.h"
#include "vm/host.h"

typedef struct StageClock {
  double used, slice_start; /* CPU seconds */
} StageClock;

/* What is held back while the script's printing is not read: see hold.h. */
typedef struct HeldBack {
  Event *first, **last;
  size_t count;
  Event go_on;
  bool queued;  /* go_on is in the inbox */
  bool running; /* one that was held runs */
  bool skipped; /* a subscriber was passed over */
  bool rests;   /* its turns took long; until `rest` fires */
  Timer rest;
  Event rested;   /* what `rest` ends with */
  bool rest_ends; /* it is in the inbox */
  double used;    /* seconds of CPU time since it rested last */
  bool logged;
} HeldBack;

struct Owner {
  Owner *next;
  Host *host;
  char *name;      /* owned */
  Charge *charge;  /* what the core holds for it, three quarters of its memory; owned */
  Index resources; /* its own, by kind and name */
  Vm *current;     /* the version that is in force; NULL before the first load */
  Task *stage;     /* the top level that runs; borrowed */
  StageClock stage_clock;
  OutputAccount printed; /* what it printed and nobody read */
  HeldBack hold;
  bool ending; /* it ends itself, alone */
};

/* The script of that name; NULL: there is none. */
Owner *owner_find(const Host *host, const char *name, size_t len);

/* The first named owns standard input, and ends the process: by its exit, and when it
 * cannot be loaded. The others start, fail and end alone. */
bool owner_is_first(const Owner *owner);

#endif
