/* The CPU limit: see watchdog.h. The tick is a signal, sent to the loop's thread only, so
 * its handler and the turns never run at once; what both touch is volatile. lua_sethook
 * is the one function of Lua's that a signal handler may call.
 *
 * A script may catch the error that the hook raises: so it is armed for every
 * instruction, and pcall only gets as far as its next one; a turn that is late stays
 * late, and every coroutine it goes on in is armed. A hook that raises leaves hooks off
 * in its coroutine until a pcall takes over: so task.c and coroutine.c put one at the
 * bottom of each, and `__close` is stopped too. */
#include "script/watchdog.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "script/script.h"
#include "script/task.h"

#define TICK 0.025
#define SLOW 0.1
#define STAGE_SLICE 0.002
enum { STAGE_COUNT = 2000 };

struct Watchdog {
  timer_t timer;
  lua_State *volatile running;
  volatile unsigned long turn,
      seen;                /* of the running turn; of the one the last tick saw */
  volatile unsigned ticks; /* that the running turn has lasted */
  volatile unsigned limit; /* in ticks */
  lua_State *volatile armed;
  volatile double end; /* monotonic seconds, from which on all is late; 0: never */
  unsigned long turns;
};

/* The one global: a signal handler gets no argument of its own. */
static Watchdog *volatile the_watchdog;

static double monotonic_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_over(const Watchdog *w) {
  return w->end > 0 && monotonic_now() >= w->end;
}

static bool is_late(const Watchdog *w) {
  return is_over(w) || (w->turn == w->seen && w->ticks >= w->limit);
}

/* A migration is work that a script cannot put off: it may take what a handler may. */
static bool is_loading(const Generation *gen) {
  return gen->state == GEN_STAGING && !gen->migrating;
}

static double limit_of(const Generation *gen) {
  if (is_loading(gen)) return gen->rt->options.staging_limit;
  return gen->cpu_limit > 0 ? gen->cpu_limit : gen->rt->options.cpu_limit;
}

/* In a hook level 0 is the function that runs; else it is a function in C. */
static void push_where(lua_State *L) {
  lua_Debug frame;
  for (int level = 0; lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "S", &frame);
    if (*frame.what == 'C') continue;
    luaL_where(L, level);
    return;
  }
  lua_pushliteral(L, "");
}

static void raise_late(lua_State *L) {
  Generation *gen = generation_of(L);
  luaL_checkstack(L, 4, NULL);
  push_where(L);
  if (is_over(gen->rt->watchdog))
    lua_pushliteral(L, "CPU_LIMIT: the program ends, and the time for that is over");
  else if (is_loading(gen))
    lua_pushfstring(L,
                    "CPU_LIMIT: the script's top level ran for more than %f s: "
                    "move long work to script.on_start",
                    limit_of(gen));
  else
    lua_pushfstring(L,
                    "CPU_LIMIT: ran for %f s without waiting (split the work with "
                    "task.sleep(0), or raise the limit with script.cpu_limit)",
                    limit_of(gen));
  lua_concat(L, 2);
  lua_error(L);
}

/* A coroutine made while its maker was armed inherits the hook: then it goes off in a
 * turn that is not late. */
static void late(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (is_late(generation_of(L)->rt->watchdog)) raise_late(L);
  lua_sethook(L, NULL, 0, 0);
}

static void arm(Watchdog *w, lua_State *co) {
  w->armed = co;
  lua_sethook(co, late, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static void on_tick(int signal) {
  (void)signal;
  Watchdog *w = the_watchdog;
  if (!w || !w->running) return;
  if (w->turn != w->seen) {
    w->seen = w->turn;
    w->ticks = 0;
  }
  w->ticks++;
  if (w->ticks >= w->limit || is_over(w)) arm(w, w->running);
}

static void start_timer(Watchdog *w) {
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
  event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
  CHECK(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &w->timer) == 0);
  long ns = (long)(TICK * 1e9);
  struct itimerspec every = {{0, ns}, {0, ns}};
  CHECK(timer_settime(w->timer, 0, &every, NULL) == 0);
}

Watchdog *watchdog_new(void) {
  CHECK(the_watchdog == NULL);
  Watchdog *w = xcalloc(1, sizeof *w);
  struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  CHECK(sigaction(SIGPROF, &action, NULL) == 0);
  w->limit = UINT_MAX; /* outside of any turn nothing is late */
  the_watchdog = w;
  start_timer(w);
  return w;
}

void watchdog_free(Watchdog *w) {
  timer_delete(w->timer);
  the_watchdog = NULL;
  free(w);
}

void watchdog_end_at(Watchdog *w, double when) {
  w->end = when;
}

/* While `running` is NULL a tick does nothing. */
WatchdogTurn watchdog_enter(Generation *gen, lua_State *co) {
  Watchdog *w = gen->rt->watchdog;
  lua_State *running = w->running;
  w->running = NULL;
  WatchdogTurn outer = {running, w->turn, w->limit, w->turn == w->seen ? w->ticks : 0};
  w->turn = ++w->turns;
  w->limit = (unsigned)(limit_of(gen) / TICK);
  if (is_over(w)) arm(w, co); /* at once: there may be thousands */
  w->running = co;
  return outer;
}

/* Whatever was armed in this turn must not outlive it. */
static void disarm(Watchdog *w) {
  if (!w->armed) return;
  lua_sethook(w->armed, NULL, 0, 0);
  w->armed = NULL;
}

/* The time of a turn counts for the one it is nested in. */
static void go_back(Watchdog *w, const WatchdogTurn *outer, unsigned ticks) {
  w->turn = w->seen = outer->number;
  w->ticks = outer->ticks + ticks;
  w->limit = outer->limit;
  if (outer->running && is_late(w)) arm(w, outer->running);
  w->running = outer->running;
}

double watchdog_leave(Generation *gen, WatchdogTurn outer) {
  Watchdog *w = gen->rt->watchdog;
  w->running = NULL;
  disarm(w);
  unsigned ticks = w->seen == w->turn ? w->ticks : 0;
  go_back(w, &outer, ticks);
  return ticks * TICK >= SLOW ? ticks * TICK * 1000 : 0;
}

lua_State *watchdog_switch(Generation *gen, lua_State *co) {
  Watchdog *w = gen->rt->watchdog;
  lua_State *was = w->running;
  w->running = NULL;
  disarm(w);
  if (co && is_late(w)) arm(w, co);
  w->running = co;
  return was;
}

void watchdog_relimit(Generation *gen) {
  gen->rt->watchdog->limit = (unsigned)(limit_of(gen) / TICK);
}

void watchdog_poll(lua_State *L) {
  if (is_late(generation_of(L)->rt->watchdog)) raise_late(L);
}

/* --- staging ---------------------------------------------------------------------- */

static double cpu_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stage_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  Generation *gen = generation_of(L);
  if (!is_loading(gen)) { /* a coroutine that was made while the script loaded */
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  StageClock *clock = &gen->script->stage_clock;
  double now = cpu_now();
  if (clock->slice_start == 0) clock->slice_start = now;
  double slice = now - clock->slice_start;
  if (clock->used + slice > gen->rt->options.staging_limit) {
    lua_sethook(L, stage_hook, LUA_MASKCOUNT, 1);
    raise_late(L);
  }
  Task *task = gen->script->stage;
  if (slice > STAGE_SLICE && task && task->co == L && lua_isyieldable(L)) {
    clock->used += slice;
    clock->slice_start = 0;
    lua_yield(L, 0);
  }
}

void watchdog_stage(lua_State *co) {
  lua_sethook(co, stage_hook, LUA_MASKCOUNT, STAGE_COUNT);
}
