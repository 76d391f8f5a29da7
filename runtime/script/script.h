/* A script: a name, a path, and its generations. Loading for the first time and reloading
 * are one act (script.c tells it). */
#ifndef TIDELOCK_SCRIPT_SCRIPT_H
#define TIDELOCK_SCRIPT_SCRIPT_H

#include "script/generation.h"
#include "script/keep.h"

typedef struct StageClock {
  double used, slice_start; /* CPU seconds */
} StageClock;

typedef struct Staged Staged;

struct Script {
  Script *next;
  Runtime *rt;
  char *name, *path;
  char **args; /* NULL-terminated; owned */
  unsigned generations;
  Generation *current;  /* NULL before the first load */
  Generation *staging;  /* NULL when no load is under way */
  Generation *retiring; /* replaced ones that still finish */
  Task *stage;          /* the top level that runs; borrowed */
  StageClock stage_clock;
  Keep keep_before;     /* script.keep as it was when the load began */
  uint64_t seen;        /* hash of the sources last tried, good or bad */
  ErrorCode unreadable; /* what was told when they could not be read */
  Staged *staged;       /* the end of a load, on its way through the inbox */
  bool failed;          /* the first load failed */
  bool reload_asked;    /* see reload.h */
};

/* A name is [A-Za-z0-9_.-]+, 64 at most. */
bool name_valid(const char *name);

/* Adds a script and starts its first load. Returns it (owned by the runtime), or NULL:
 * INVALID, BUSY (name taken). `name` NULL: after its file or folder. args are copied. */
Script *script_add(Runtime *rt, const char *name, const char *path, char *const *args,
                   Error *err);
/* Reads the sources and, when they differ from what was tried last, stages them. */
void script_load(Script *script);
/* The same for all whose sources a settled batch of saves may have changed. */
void scripts_load(Runtime *rt, Script *const *changed, size_t count);
/* Gives a load under way up and runs the `stop` handler. */
void script_stop(Script *script);
void script_free(Script *script);
Script *script_find(Runtime *rt, const char *name, size_t len);
bool script_has_work(const Script *script);

#endif
