/* The CPU limit: see watchdog.h. The tick is a signal, sent to the loop's thread only, so
 * its handler and the turns never run at once; what both touch is volatile. lua_sethook
 * is the one function of Lua's that a signal handler may call.
 *
 * A hook that raises leaves hooks off in its coroutine (task.c never uses such a one
 * again), and a script may catch the error: so the hook arms itself for every instruction
 * before it raises, and pcall only gets as far as its next one. */
#include "script/watchdog.h"

#include <errno.h>
#include <lauxlib.h>
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
  unsigned long turns;
};

/* The one global: a signal handler gets no argument of its own. */
static Watchdog *volatile the_watchdog;

static void late(lua_State *L, lua_Debug *ar) {
  (void)ar;
  Generation *gen = generation_of(L);
  lua_sethook(L, late, LUA_MASKCOUNT, 1);
  double limit = gen->cpu_limit > 0 ? gen->cpu_limit : gen->rt->options.cpu_limit;
  luaL_error(
      L,
      "CPU_LIMIT: ran for %f s without waiting (split the work with task.sleep(0), "
      "or raise the limit with script.cpu_limit)",
      limit);
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
  if (w->ticks < w->limit) return;
  w->armed = w->running;
  lua_sethook(w->running, late, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
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
  the_watchdog = w;
  start_timer(w);
  return w;
}

void watchdog_free(Watchdog *w) {
  timer_delete(w->timer);
  the_watchdog = NULL;
  free(w);
}

static double limit_of(const Generation *gen) {
  return gen->cpu_limit > 0 ? gen->cpu_limit : gen->rt->options.cpu_limit;
}

WatchdogTurn watchdog_enter(Generation *gen, lua_State *co) {
  Watchdog *w = gen->rt->watchdog;
  WatchdogTurn outer = {w->running, w->turn, w->limit};
  w->turn = ++w->turns;
  w->limit = (unsigned)(limit_of(gen) / TICK);
  w->running = co;
  return outer;
}

/* Whatever the tick armed in this turn must not outlive it. */
static void disarm(Watchdog *w) {
  if (!w->armed) return;
  lua_sethook(w->armed, NULL, 0, 0);
  w->armed = NULL;
}

double watchdog_leave(Generation *gen, WatchdogTurn outer) {
  Watchdog *w = gen->rt->watchdog;
  unsigned long turn = w->turn;
  w->running = outer.running;
  disarm(w);
  double slow = w->seen == turn && w->ticks * TICK >= SLOW ? w->ticks * TICK * 1000 : 0;
  w->turn = outer.number;
  w->limit = (unsigned)outer.limit;
  return slow;
}

lua_State *watchdog_switch(Generation *gen, lua_State *co) {
  Watchdog *w = gen->rt->watchdog;
  lua_State *was = w->running;
  w->running = co;
  disarm(w); /* the next tick arms it again where it runs by then */
  return was;
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
  if (gen->state != GEN_STAGING) { /* loaded: the coroutine serves other tasks now */
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  StageClock *clock = &gen->script->stage_clock;
  double now = cpu_now();
  if (clock->slice_start == 0) clock->slice_start = now;
  double slice = now - clock->slice_start;
  if (clock->used + slice > gen->rt->options.staging_limit) {
    lua_sethook(L, stage_hook, LUA_MASKCOUNT, 1);
    luaL_error(L,
               "CPU_LIMIT: the script's top level ran for more than %f s: "
               "move long work to script.on_start",
               gen->rt->options.staging_limit);
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
