/* A script: a name, a path, and its generations. Loading for the first time and reloading
 * are one act (transaction.c tells it). */
#ifndef TIDELOCK_SCRIPT_SCRIPT_H
#define TIDELOCK_SCRIPT_SCRIPT_H

#include "core/charge.h"
#include "script/generation.h"
#include "script/keep.h"
#include "vm/task.h"

typedef struct StageClock {
  double used, slice_start; /* CPU seconds */
} StageClock;

typedef struct Reload Reload;

/* What is held back while the script's printing is not read: see hold.h. */
typedef struct HeldBack {
  Event *first, **last;
  size_t count;
  Event go_on;
  bool queued;  /* go_on is in the inbox */
  bool running; /* one that was held runs */
  bool skipped; /* a subscriber was passed over */
  bool rests;   /* a turn was stopped at its limit; until `rest` fires */
  Timer rest;
  bool told;
} HeldBack;

struct Script {
  Script *next;
  Runtime *rt;
  char *name, *path;
  Charge *charge;  /* what the core holds for it, three quarters of its memory; owned */
  Index resources; /* its own, by kind and name */
  char **args;     /* NULL-terminated; owned */
  unsigned generations;
  Generation *current;  /* NULL before the first load */
  Generation *staging;  /* NULL when no load is under way */
  Generation *retiring; /* replaced ones that still finish */
  Task *stage;          /* the top level that runs; borrowed */
  StageClock stage_clock;
  struct KeepFile *keep_file; /* of the current one; NULL: keep is not persistent */
  Keep keep_before;           /* script.keep as it was when the load began */
  Sources *good;              /* of the last version that was; NULL: there is none */
  uint64_t seen;        /* hash of the sources last tried; 0: try whatever there is */
  Uses failed;          /* what the last try used, if nothing came of it; else empty */
  uint64_t failed_hash; /* of what that was */
  ErrorCode unreadable; /* what was told when they could not be read */
  Reload *reload;       /* that the load under way is part of; NULL: none is */
  bool held;            /* its last load was given up because of another script's */
  bool reload_asked;    /* see reload.h */
  bool cannot;          /* its last load failed by itself */
  bool ending, ended;   /* alone, by script.exit: script_end.c */
  bool saved_meanwhile; /* while it was ending */
  Timer end_timer;
  OutputAccount printed; /* what it printed and nobody read */
  HeldBack hold;
};

/* A name is [A-Za-z0-9_.-]+, 64 at most. */
bool name_valid(const char *name);

/* Adds a script and starts its first load. Returns it (owned by the runtime), or NULL:
 * INVALID, BUSY (name taken). `name` NULL: after its file or folder. args are copied. */
Script *script_add(Runtime *rt, const char *name, const char *path, char *const *args,
                   Error *err);
/* What was saved at once: reads the sources of these scripts, and stages those that
 * differ from what was tried last, in what it used. Those that share a changed file are
 * one transaction; with them come others that were held back by it before. */
void scripts_load(Runtime *rt, Script *const *changed, size_t count);
void script_load(Script *script); /* of one */
/* Gives a load under way up, with all that are part of it. */
void script_give_up_load(Script *script);
/* The same for this one: what was loaded with it is loaded without. */
void script_leave_load(Script *script);
/* Gives a load under way up and runs the `stop` handler. */
void script_stop(Script *script);
void script_run_on_stop(Script *script, TaskDone *done); /* done gets the script */
/* The first named owns standard input, and ends the process: by its exit, and when it
 * cannot be loaded. The others start, fail and end alone. */
bool script_is_first(const Script *script);
void script_end(Script *script, int code); /* of another: it ends itself */
void script_free(Script *script);
Script *script_find(Runtime *rt, const char *name, size_t len);
bool script_has_work(const Script *script);

#endif
