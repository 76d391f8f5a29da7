/* A generation: one load of a script. It owns a lua_State with its memory account, the
 * sources it was made from, its tasks, declarations, anonymous timers and boxes.
 *
 * - STAGING: the top level runs; declarations are collected, effects raise
 * - LIVE: the current one
 * - RETIRING: replaced; tasks in flight finish within the grace; it may wait and use
 *   handles, not declare. Cut, at the end of the grace or before it: their waits raise
 *   RELOADED, and what has not ended by the turn after is reset
 * - DEAD: severed; the state is being closed on a worker thread */
#ifndef TIDELOCK_SCRIPT_GENERATION_H
#define TIDELOCK_SCRIPT_GENERATION_H

#include "core/blocks.h"
#include "core/charge.h"
#include "core/index.h"
#include "bridge/box.h"
#include "script/runtime.h"
#include "sources/sources.h"

typedef enum GenState { GEN_STAGING, GEN_LIVE, GEN_RETIRING, GEN_DEAD } GenState;

typedef struct Op Op;

/* See probation.h. */
typedef struct Probation {
  double end; /* monotonic seconds; 0: it is on none */
  int failures;
  bool start_failed, over; /* over: it did not pass */
  bool waits;              /* for the end of a load that is under way */
  char *why;               /* what was raised last; owned */
} Probation;

enum { POOL_SIZE = 64 };

struct Generation {
  Script *script;
  Runtime *rt;
  unsigned number;
  GenState state;
  lua_State *L; /* the main thread: callbacks are kept here, never on a coroutine */
  size_t memory, memory_limit;
  Blocks blocks;         /* what the state's memory comes from */
  char memory_place[96]; /* "main.lua:3": where it was refused last */
  Sources *sources;      /* owned */
  Declaration *decls, **last_decl;
  Index declared; /* the same, by kind and name */
  Box boxes;      /* head of the ring */
  Task *tasks;
  struct {
    lua_State *co;
    int ref;
  } pool[POOL_SIZE]; /* finished coroutines, to be used again */
  int pooled;
  Op *spare; /* ended ops, to be used again; freed with the generation: a stale handle may
                still compare its serial with theirs */
  size_t op_bytes;                  /* of all ops that it has, charged to the script */
  struct HandlerList *traces;       /* of store.trace; owned; NULL: none */
  Op *ops;                          /* anonymous timers and the like */
  int on_start, on_stop, on_notice; /* references, LUA_NOREF when not set */
  int keep;                         /* reference of script.keep */
  struct KeepFile *keep_file;       /* owned until the script has it: see keep_file.h */
  bool keep_persist;
  int64_t version;      /* of script.keep */
  bool versioned;       /* it was declared */
  int migrate;          /* reference: from an older version; LUA_NOREF: none */
  double grace_seconds; /* for its tasks, and what its successor does not declare */
  bool cut;             /* its waits raise, or have */
  bool sharing;         /* its cancelled tasks share what is left of one turn's time: */
  unsigned shared;      /* in the watchdog's ticks */
  Timer grace;
  Event ended; /* pushed when a retiring one may have ended */
  bool ended_queued;
  bool migrating;   /* a migrate of a store, or of keep, runs */
  bool migrated;    /* a version rose with it: what was made before cannot go back */
  Generation *next; /* in script->retiring */
  Probation probation;
  bool failed;       /* something of it raised an error that nobody caught */
  bool no_probation; /* it asked for none */
  bool first;        /* nothing of its script ran before it */
  double cpu_limit;  /* seconds; 0: the runtime's */
  uv_work_t work;    /* closing */
};

/* Something of a generation that is not a task: an anonymous timer. It is started when
 * the generation goes live, holds the process while it runs, and is stopped with it. */
struct Op {
  Op *prev, *next;
  Generation *gen;
  void (*start)(Op *op);
  void (*stop)(Op *op); /* releases it too */
};
void op_add(Generation *gen, Op *op); /* starts it at once when the generation is live */
void op_remove(Op *op);               /* does not call stop */

/* Before the core makes something at a script's wish: raises "not enough memory" when the
 * script holds too much. Then generation_hold charges it, until charge_let_go. */
void need_memory(lua_State *L, size_t bytes);
Charge *generation_hold(lua_State *L, size_t bytes);

Generation *generation_new(Script *script,
                           Sources *sources); /* takes sources; returns new */
Generation *generation_of(lua_State *L);      /* borrows */
/* A coroutine that no script may resume or close: one of the core's, or one in which the
 * task that resumed it waits. New ones have the mark of the main thread, CO_CORE. */
enum { CO_CORE = 1, CO_WAITS = 2 };
void coroutine_mark(lua_State *co, int mark);
int coroutine_marks(lua_State *co);
/* STAGING: from what it uses now on, what the top level may: less than a script that
 * runs, so that one which asks for ever more holds nobody up. */
void generation_limit_stage(Generation *gen);
void generation_start(Generation *gen); /* STAGING → LIVE: what was declared is started */
/* Cancels what runs, severs all and closes the state on a worker thread. */
void generation_kill(Generation *gen);
void generation_stop_ops(Generation *gen);
void generation_cancel_tasks(Generation *gen); /* their waits raise CANCELLED */
/* From LIVE: ops stop, tasks may finish within the grace, then it is killed. */
void generation_retire(Generation *gen);
/* RETIRING: the grace is over. */
void generation_cut(Generation *gen);
void generation_task_ended(Generation *gen); /* called by task.c */
bool generation_has_work(const Generation *gen);

/* Raise unless the state allows: an effect needs a script that has loaded, a declaration
 * one that is not retired. `what` is the function as the script calls it. */
void need_loaded(lua_State *L, const char *what);
void need_declaring(lua_State *L, const char *what);

#endif
