/* The CPU limit: see watchdog.h. The tick is a signal, sent to the loop's thread only, so
 * its handler and the turns never run at once; what both touch is volatile. lua_sethook
 * is the one function of Lua's that a signal handler may call.
 *
 * A script may catch the error that the hook raises: so it is armed for every
 * instruction, and pcall only gets as far as its next one; a turn that is late stays
 * late, and every coroutine it goes on in is armed. A hook that raises leaves hooks off
 * in its coroutine until a pcall takes over: so task.c and coroutine.c put one at the
 * bottom of each, and `__close` is stopped too. */
#include "vm/watchdog.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "vm/hold.h"
#include "vm/task_parts.h"
#include "vm/vm.h"

#define TICK 0.025
#define SLOW 0.1
/* Wall time counts where this part of the limit was processor time. */
enum { WALL_PART = 4 };
/* Of a migration, which a script cannot put off. */
static const double start_migration = 60, reload_migration = 5;
#define STAGE_SLICE 0.002
enum { STAGE_COUNT = 2000 };

struct Watchdog {
  timer_t timer;
  lua_State *volatile running;
  volatile unsigned long turn,
      seen;                       /* of the running turn; of the one the last tick saw */
  volatile unsigned ticks;        /* of CPU time that the running turn has had */
  volatile unsigned wall;         /* milliseconds that it has lasted */
  volatile unsigned limit;        /* in ticks */
  volatile unsigned long stopped; /* the turn that is late whatever it has taken */
  volatile unsigned long starved; /* the same, as it asked again for memory in vain */
  unsigned long shares;           /* the turn whose time is the cut's */
  struct timespec last;           /* when the last tick was */
  lua_State *paused;              /* what runs, while its time is not counted */
  int pauses;
  lua_State *volatile armed;
  _Atomic double end; /* monotonic seconds, from which on all is late; 0: never. Any
                       * thread sets it */
  unsigned long turns;
};

/* The one global: a signal handler gets no argument of its own. */
static Watchdog *volatile the_watchdog;

bool watchdog_is_over(const Watchdog *w) {
  return w->end > 0 && clock_monotonic() >= w->end;
}

static unsigned ticks_to_ms(unsigned ticks) {
  return ticks * (unsigned)(TICK * 1000);
}

static bool is_used_up(const Watchdog *w) {
  if (w->ticks >= w->limit) return true;
  return w->ticks >= w->limit / WALL_PART && w->wall >= ticks_to_ms(w->limit);
}

static bool is_late(const Watchdog *w) {
  return watchdog_is_over(w) || w->turn == w->stopped || w->turn == w->starved ||
         (w->turn == w->seen && is_used_up(w));
}

static bool is_loading(const Vm *vm) {
  return vm->state == VM_STAGING && !vm->migrating;
}

static double limit_of(const Vm *vm) {
  if (vm->migrating) return vm->owner->current ? reload_migration : start_migration;
  if (is_loading(vm)) return vm->host->staging_limit;
  return vm->cpu_limit > 0 ? vm->cpu_limit : vm->host->cpu_limit;
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

static void push_late(lua_State *L) {
  Vm *vm = vm_of(L);
  luaL_checkstack(L, 4, NULL);
  push_where(L);
  if (vm->host->watchdog->turn == vm->host->watchdog->stopped)
    lua_pushliteral(L, "CANCELLED: the task was cancelled and went on waiting");
  else if (vm->host->watchdog->turn == vm->host->watchdog->starved)
    lua_pushliteral(L, "MEMORY: the script's memory is full, and it asked for more again "
                       "and again: its turn is over");
  else if (watchdog_is_over(vm->host->watchdog))
    lua_pushliteral(L, "CPU_LIMIT: the program ends, and the time for that is over");
  else if (is_loading(vm))
    lua_pushfstring(L,
                    "CPU_LIMIT: the script's top level ran for more than %f s: "
                    "move long work to script.on_start",
                    limit_of(vm));
  else
    lua_pushfstring(L,
                    "CPU_LIMIT: ran for %f s without waiting (split the work with "
                    "task.sleep(0); --turn-limit allows more)",
                    limit_of(vm));
  lua_concat(L, 2);
}

static void raise_late(lua_State *L) {
  push_late(L);
  lua_error(L);
}

/* Lua frees the buffer of a function that has raised (string.gsub, table.concat) by a
 * call that the hook sees. To raise there again would replace the error by one without a
 * place: the frames are gone. */
static bool is_freeing_buffer(lua_State *L, lua_Debug *ar) {
  lua_CFunction frees = vm_of(L)->frees_buffer;
  if (!frees || (ar->event != LUA_HOOKCALL && ar->event != LUA_HOOKRET)) return false;
  lua_getinfo(L, "f", ar);
  bool is = lua_tocfunction(L, -1) == frees;
  lua_pop(L, 1);
  return is;
}

/* A coroutine made while its maker was armed inherits the hook: then it goes off in a
 * turn that is not late. */
static void on_late_hook(lua_State *L, lua_Debug *ar) {
  if (!is_late(vm_of(L)->host->watchdog)) lua_sethook(L, NULL, 0, 0);
  else if (!is_freeing_buffer(L, ar)) raise_late(L);
}

/* Once is enough: lua_sethook goes through all calls that are nested, which may take as
 * long as a tick. */
static void arm_hook(Watchdog *w, lua_State *co) {
  w->armed = co;
  if (lua_gethook(co) == on_late_hook) return;
  lua_sethook(co, on_late_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

/* Since the last look at the clock, CLOCK_LONGEST_GAP at most. */
static unsigned read_gap(Watchdog *w) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double gap = (double)(now.tv_sec - w->last.tv_sec) +
               (double)(now.tv_nsec - w->last.tv_nsec) / 1e9;
  w->last = now;
  return (unsigned)((gap < CLOCK_LONGEST_GAP ? gap : CLOCK_LONGEST_GAP) * 1000);
}

/* The first tick of a turn does not know since when it runs. */
static void on_tick(int signal) {
  (void)signal;
  Watchdog *w = the_watchdog;
  if (!w || !w->running) return;
  unsigned gap = read_gap(w);
  if (w->turn != w->seen) {
    w->seen = w->turn;
    w->ticks = w->wall = 0;
    gap = ticks_to_ms(1);
  }
  w->ticks++;
  w->wall += gap;
  if (is_late(w)) arm_hook(w, w->running);
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
  w->stopped = w->starved = ULONG_MAX;
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
WatchdogTurn watchdog_enter(Vm *vm, lua_State *co) {
  Watchdog *w = vm->host->watchdog;
  lua_State *running = w->running;
  w->running = NULL;
  bool seen = w->turn == w->seen;
  WatchdogTurn outer = {running, w->turn, w->limit, seen ? w->ticks : 0,
                        seen ? w->wall : 0};
  w->turn = ++w->turns;
  w->limit = (unsigned)(limit_of(vm) / TICK);
  if (watchdog_is_over(w)) arm_hook(w, co); /* at once: there may be thousands */
  w->running = co;
  return outer;
}

/* Whatever was armed in this turn must not outlive it. */
static void disarm_hook(Watchdog *w) {
  if (!w->armed) return;
  lua_sethook(w->armed, NULL, 0, 0);
  w->armed = NULL;
}

/* The time of a turn counts for the one it is nested in. */
static void go_back(Watchdog *w, const WatchdogTurn *outer, unsigned ticks,
                    unsigned wall) {
  w->turn = w->seen = outer->number;
  w->ticks = outer->ticks + ticks;
  w->wall = outer->wall + wall;
  w->limit = outer->limit;
  if (outer->running && is_late(w)) arm_hook(w, outer->running);
  w->running = outer->running;
}

bool watchdog_has_ticked(const Watchdog *w) {
  return w->seen == w->turn;
}

/* Returns the ticks of the turn that ends. */
static unsigned end_turn(Vm *vm, bool charged) {
  Watchdog *w = vm->host->watchdog;
  w->running = NULL;
  disarm_hook(w);
  bool seen = w->seen == w->turn;
  unsigned ticks = seen ? w->ticks : 0;
  bool counts = seen && vm->state != VM_STAGING;
  if (counts && charged) hold_used(vm->owner, ticks * TICK);
  if (counts && is_used_up(w)) hold_give_way(vm->owner);
  if (w->shares == w->turn) vm->shared -= ticks < vm->shared ? ticks : vm->shared;
  return ticks;
}

double watchdog_leave(Vm *vm, WatchdogTurn outer) {
  Watchdog *w = vm->host->watchdog;
  unsigned ticks = end_turn(vm, !outer.running);
  go_back(w, &outer, ticks, w->seen == w->turn ? w->wall : 0);
  return ticks * TICK >= SLOW ? ticks * TICK * 1000 : 0;
}

void watchdog_leave_apart(Vm *vm, WatchdogTurn outer) {
  end_turn(vm, true);
  go_back(vm->host->watchdog, &outer, 0, 0);
}

void watchdog_stop(Watchdog *w) {
  w->stopped = w->turn;
  if (w->running) arm_hook(w, w->running);
}

void watchdog_starve(Watchdog *w) {
  if (!w->running) return;
  w->starved = w->turn;
  arm_hook(w, w->running);
}

unsigned long watchdog_turn(const Watchdog *w) {
  return w->turn;
}

void watchdog_share_begin(Vm *vm) {
  vm->sharing = true;
  vm->shared = (unsigned)(limit_of(vm) / TICK);
}

bool watchdog_share_is_spent(const Vm *vm) {
  return vm->sharing && vm->shared == 0;
}

void watchdog_share(Vm *vm) {
  Watchdog *w = vm->host->watchdog;
  if (!vm->sharing) return;
  w->shares = w->turn;
  if (vm->shared < w->limit) w->limit = vm->shared ? vm->shared : 1;
}

lua_State *watchdog_switch(Vm *vm, lua_State *co) {
  Watchdog *w = vm->host->watchdog;
  lua_State *was = w->running;
  w->running = NULL;
  disarm_hook(w);
  if (co && is_late(w)) arm_hook(w, co);
  w->running = co;
  return was;
}

void watchdog_relimit(Vm *vm) {
  vm->host->watchdog->limit = (unsigned)(limit_of(vm) / TICK);
}

bool watchdog_is_late(void) {
  return the_watchdog && is_late(the_watchdog);
}

void watchdog_poll(lua_State *L) {
  if (watchdog_is_late()) raise_late(L);
}

void watchdog_know_buffers(lua_State *L) {
  luaL_Buffer b;
  luaL_buffinitsize(L, &b, 2 * LUAL_BUFFERSIZE); /* too large for the C stack: a box */
  if (luaL_getmetafield(L, -1, "__close") != LUA_TNIL) {
    vm_of(L)->frees_buffer = lua_tocfunction(L, -1);
    lua_pop(L, 1);
  }
  luaL_pushresultsize(&b, 0);
  lua_pop(L, 1);
}

void watchdog_explain(lua_State *L) {
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  if (!watchdog_is_late() || strcmp(text, "not enough memory") != 0) return;
  lua_pop(L, 1);
  const char *place = vm_of(L)->memory_place;
  lua_pushfstring(L, "%s%s", place, *place ? ": " : "");
  push_late(L);
  lua_concat(L, 2);
}

void watchdog_pause(Watchdog *w, bool pause) {
  if (pause && w->pauses++ == 0) {
    w->paused = w->running;
    w->running = NULL;
  } else if (!pause && --w->pauses == 0) {
    clock_gettime(CLOCK_MONOTONIC, &w->last);
    w->running = w->paused;
  }
}

/* --- staging ---------------------------------------------------------------------- */

static void stage_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  Vm *vm = vm_of(L);
  if (!is_loading(vm)) { /* a coroutine that was made while the script loaded */
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  StageClock *clock = &vm->owner->stage_clock;
  double now = clock_cpu();
  if (clock->slice_start == 0) clock->slice_start = now;
  double slice = now - clock->slice_start;
  if (clock->used + slice > vm->host->staging_limit) {
    lua_sethook(L, stage_hook, LUA_MASKCOUNT, 1);
    raise_late(L);
  }
  Task *task = vm->owner->stage;
  if (slice > STAGE_SLICE && task && task->co == L && lua_isyieldable(L)) {
    clock->used += slice;
    clock->slice_start = 0;
    lua_yield(L, 0);
  }
}

void watchdog_stage(lua_State *co) {
  lua_sethook(co, stage_hook, LUA_MASKCOUNT, STAGE_COUNT);
}
