/* A script as its Vms and resources see it: a name, an account, and its held events.
 * Embedded in Script; the Vms of all its generations refer to it. Other rooms read it;
 * who writes a field stands at it. */
#ifndef TIDELOCK_VM_OWNER_H
#define TIDELOCK_VM_OWNER_H

#include "core/charge.h"
#include "core/index.h"
#include "vm/host.h"

typedef struct StageClock {
  double used, slice_start; /* CPU seconds */
} StageClock;

/* Events held back while the script's printed text is not read, or while it gives way to
 * others: see hold.h, which alone reads and writes it. */
typedef struct HeldBack {
  Event *first, **last;
  size_t count;
  Event run_held;      /* runs the first of them */
  bool queued;         /* run_held is in the inbox */
  bool running;        /* a held event runs */
  bool skipped;        /* a store's subscriber was passed over */
  bool gives_way;      /* its turns took long: none begins until the others had theirs */
  Timer give_way;      /* until that is over; then all_had_turns is pushed */
  Event all_had_turns; /* behind all that was queued by then: ends it */
  bool way_given;      /* all_had_turns is in the inbox */
  Event collect;       /* the next slice of a collection */
  bool collects;       /* `collect` is in the inbox */
  Event flush;         /* runs the first of the held events before all others */
  double used;         /* seconds of CPU time since it gave way last */
  bool logged;
} HeldBack;

struct Owner {
  Owner *next; /* by script/, as host, name and charge */
  Host *host;
  char *name;     /* owned */
  Charge *charge; /* memory of the core's for it, three quarters of its limit at most;
                     owned */
  OutputAccount unread; /* what it printed and nobody has read; by print.c and hold.c */
  HeldBack hold;
  Index resources; /* its own, by kind and name; by resource/ */
  /* By script/: */
  Vm *current;            /* the live one; NULL before the first load */
  bool ending;            /* it ends itself, alone */
  Task *stage;            /* the top level that runs; borrowed */
  StageClock stage_clock; /* of it; counted by watchdog.c */
};

/* The script of that name; NULL: there is none. */
Owner *owner_find(const Host *host, const char *name, size_t len);

/* Whether it is the first named script: that one owns standard input, and its exit, or a
 * failure of its first load, ends the process. The others start, fail and end alone. */
bool owner_is_first(const Owner *owner);

#endif
