/* The three structs of script/: who owns what. Only files of script/ (and its tests) look
 * inside; all others see them through runtime.h, script.h and generation.h, or as the
 * Host, Owner and Vm that they begin with. */
#ifndef TIDELOCK_SCRIPT_PARTS_H
#define TIDELOCK_SCRIPT_PARTS_H

#include "resource/resources.h"
#include "script/generation.h"
#include "script/keep.h"
#include "script/runtime.h"
#include "script/script.h"
#include "sources/sources.h"
#include "sources/watch.h"
#include "vm/task.h"
#include "vm/vm.h"

struct Runtime {
  Host host;
  Resources resources;
  RuntimeOptions options;
  Ending *ending, own_ending;
  Watch *watch; /* NULL: no watching */
  Timer stop_timer;
  Timer hold;             /* while it is active the process does not end by itself */
  bool low_memory_logged; /* that there was no memory left */
  bool stopped, output_failed;
  bool by_itself; /* it ends because nothing was left to wait for */
  int exit_code;
  int warnings; /* of what was only checked */
  int closing;  /* states being closed on worker threads */
  TestRun tests;
};

struct Script {
  Owner owner; /* first; its `current` is a generation's */
  Runtime *rt;
  char *path;
  char **args; /* NULL-terminated; owned */
  unsigned generations;
  Generation *staging;        /* NULL when no load is under way */
  Generation *retiring;       /* replaced ones that still finish */
  struct KeepFile *keep_file; /* of the current one; NULL: keep is not persistent */
  Keep keep_before;           /* script.keep as it was when the load began */
  Sources *good;              /* of the last version that was; NULL: there is none */
  uint64_t seen;        /* hash of the sources last tried; 0: try whatever there is */
  Uses failed;          /* what the last try used, if nothing came of it; else empty */
  uint64_t failed_hash; /* of what that was */
  ErrorCode unreadable; /* what was logged when they could not be read */
  Reload *reload;       /* that the load under way is part of; NULL: none is */
  bool held;            /* its last load was given up because of another script's */
  bool reload_asked;    /* see reload.h */
  Timer reload_pace;    /* until it may load again, as it has asked to */
  double reload_due;    /* when: monotonic seconds */
  bool cannot;          /* its last load failed by itself */
  bool ended;           /* alone, by script.exit: script_end.c */
  bool saved_meanwhile; /* while it was ending */
  Timer end_timer;
};

static inline Script *script_of_owner(Owner *owner) {
  return (Script *)owner;
}
/* The scripts, in the order they were added. */
static inline Script *script_first(const Runtime *rt) {
  return (Script *)rt->host.owners;
}
static inline Script *script_after(const Script *script) {
  return (Script *)script->owner.next;
}
/* The version that is in force; NULL before the first load. */
static inline Generation *script_current(const Script *script) {
  return (Generation *)script->owner.current;
}

/* See probation.h. */
typedef struct Probation {
  double end; /* monotonic seconds; 0: it is on none */
  int failures;
  bool start_failed, over; /* over: it did not pass */
  bool waits;              /* for the end of a load that is under way */
  char *why;               /* what was raised last; owned */
} Probation;

struct Generation {
  Vm vm; /* first */
  Script *script;
  Runtime *rt;
  Sources *sources;             /* owned */
  int functions[GEN_FUNCTIONS]; /* references, LUA_NOREF when not set */
  int keep;                     /* reference of script.keep */
  struct KeepFile *keep_file;   /* owned until the script has it: see keep_file.h */
  int64_t version;              /* of script.keep */
  bool versioned;               /* it was declared */
  double grace_seconds; /* for its tasks, and what its successor does not declare */
  bool cut;             /* its waits raise, or have */
  Timer grace;
  Event ended; /* pushed when a retiring one may have ended */
  bool ended_queued;
  Generation *next; /* in script->retiring */
  Probation probation;
  bool failed;       /* something of it raised an error that nobody caught */
  bool no_probation; /* it asked for none */
  bool first;        /* nothing of its script ran before it */
  uv_work_t work;    /* closing */
};

#endif
