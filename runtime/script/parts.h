/* The structs of script/: who owns what. The Runtime owns the Scripts, a Script its
 * Generations (each with its Probation); a LoadTransaction, with a LoadReport for each
 * script in it, is owned by itself until it ends. Only files of script/ (and its tests)
 * look inside; all others see a Runtime, a Script and a Generation through runtime.h,
 * script.h and generation.h, or as the Host, Owner and Vm that they begin with. */
#ifndef TIDELOCK_SCRIPT_PARTS_H
#define TIDELOCK_SCRIPT_PARTS_H

#include "loop/span.h"
#include "resource/resources.h"
#include "script/generation.h"
#include "script/keep.h"
#include "script/runtime.h"
#include "script/script.h"
#include "sources/sources.h"
#include "sources/watch.h"
#include "vm/task.h"
#include "vm/vm.h"

typedef struct LoadTransaction LoadTransaction;

struct Runtime {
  Host host;
  Resources resources;
  RuntimeOptions options;
  Ending *ending, own_ending;
  Watch *watch;         /* NULL: no watching */
  Event stop;           /* pushed by runtime_exit, answered by runtime.c */
  Event reload_request; /* pushed by reload_request.c, answered by batch.c */
  Timer stop_timer;
  Timer stay;             /* while it is active the process does not end by itself */
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
  Sources *good;         /* of the last generation that passed; NULL: there is none */
  uint64_t seen;         /* hash of the sources last tried; 0: try whatever there is */
  Uses failed;           /* what the last load used, if it failed; else empty: tried.h */
  uint64_t failed_hash;  /* of what that was */
  ErrorCode unreadable;  /* what was logged when they could not be read */
  LoadTransaction *load; /* that the load under way is part of; NULL: none is */
  bool comes_along;      /* its last load was given up because of another script's */
  bool reload_asked;     /* see reload_request.h */
  bool reload_deferred;  /* it has asked for one while `load` was under way */
  Timer reload_pace;     /* until it may load again, as it has asked to */
  double reload_due;     /* until when its requests fill the pace: monotonic seconds */
  bool cannot;           /* its last load failed by itself */
  char *refusal;         /* the notice of why, until one succeeds; owned */
  bool ended;            /* alone, by script.exit: script_end.c */
  bool saved_meanwhile;  /* while it was ending */
  Span end_grace;
  Event rollback;         /* pushed by probation.c, answered by rollback.c */
  unsigned rollback_from; /* number of the generation that failed; 0: none is queued */
};

/* The script of an owner; NULL for NULL. */
_Static_assert(offsetof(Script, owner) == 0, "script_of_owner casts");
static inline Script *script_of_owner(const Owner *owner) {
  return (Script *)owner;
}
/* The scripts, in the order they were added. */
static inline Script *script_first(const Runtime *rt) {
  return script_of_owner(rt->host.owners);
}
static inline Script *script_after(const Script *script) {
  return script_of_owner(script->owner.next);
}

/* See probation.h. */
typedef struct Probation {
  Span span; /* that is left of it; stopped: it is on none */
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
  int64_t version_on_disk;      /* of the keep that was found there; -1: none was */
  bool versioned;               /* script.version was called */
  double grace_seconds; /* for its tasks, and what its successor does not declare */
  bool cut;             /* its waits raise, or have */
  Span grace;
  Event ended; /* pushed when a retiring one may have ended */
  bool ended_queued;
  Generation *next; /* in script->retiring */
  Probation probation;
  bool failed;       /* something of it raised an error that nobody caught */
  bool no_probation; /* it asked for none */
  bool first;        /* nothing of its script ran before it */
  bool ran;          /* its top level, to its end or until it failed */
  uv_work_t work;    /* closing */
};

/* The generation of a Vm; NULL for NULL. */
_Static_assert(offsetof(Generation, vm) == 0, "generation_of_vm casts");
static inline Generation *generation_of_vm(const Vm *vm) {
  return (Generation *)vm;
}
/* The generation that is in force; NULL before the first load. */
static inline Generation *script_current(const Script *script) {
  return generation_of_vm(script->owner.current);
}

/* What becomes of one script in a load: the steps fill it, notice.c reads it. */
typedef struct LoadReport {
  Script *script;
  Sources *before; /* of the generation that was replaced; held; NULL: none was */
  Sources *staged; /* of the one that failed; held; NULL: none did */
  char *failure;   /* why it failed; owned; NULL: it did not */
  bool held_back;  /* by the failure of another script */
  bool good_lost;  /* it failed, and was the one to go back to */
  Buffer result;   /* what became of its resources; then the line of the log */
} LoadReport;

struct LoadTransaction {
  Event event; /* its end, between two turns */
  Runtime *rt;
  LoadReport *reports; /* owned list; in the order of adding, then of dependence */
  size_t count;
  char *shared;    /* the file that ties them; owned; NULL: one script alone */
  size_t staging;  /* how many still run */
  Script *culprit; /* why it fails; NULL: it does not */
  double pause;    /* seconds between the old generations and the new ones */
  bool queued, given_up;
  bool waits;       /* for the first load of the first script named */
  double flush_end; /* until when held events run before its end; 0: it has not come */
};

#endif
