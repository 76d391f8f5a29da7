/* Scripts from inside: thousands of reloads, good and bad, leave nothing behind; what is
 * under way when all ends is given up cleanly. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#include "lua/modules.h"
#include "resource/declare.h"
#include "resource/resource.h"
#include "script/batch.h"
#include "script/parts.h"
#include "script/script.h"
#include "vm/task.h"

typedef struct World {
  char dir[64], path[96];
  FILE *out;
  Log *log;
  Runtime *rt;
  Script *script;
} World;

static void save(World *w, const char *fmt, int n) {
  FILE *file = fopen(w->path, "w");
  assert_non_null(file);
  fprintf(file, fmt, n, n, n);
  fclose(file);
}

static World *world_new(const char *source) {
  World *w = calloc(1, sizeof *w);
  strcpy(w->dir, "/tmp/tidelock-script.XXXXXX");
  assert_non_null(mkdtemp(w->dir));
  snprintf(w->path, sizeof w->path, "%s/bot.lua", w->dir);
  save(w, source, 0);
  w->out = fopen("/dev/null", "w");
  w->log = log_new(w->out, LOG_OFF, LOG_TEXT);
  RuntimeOptions options = {.modules = lua_modules, .watch = true, .grace = 0.002};
  w->rt = runtime_new(w->log, &options);
  Error err;
  w->script = script_add(w->rt, NULL, w->path, NULL, &err);
  assert_non_null(w->script);
  return w;
}

static void world_free(World *w) {
  runtime_free(w->rt);
  log_free(w->log);
  fclose(w->out);
  unlink(w->path);
  rmdir(w->dir);
  free(w);
}

/* --- driving the loop ------------------------------------------------------------- */

static void stop_when_settled(void *ctx) {
  World *w = ctx;
  Script *s = w->script;
  if (!s->staging && !s->retiring && w->rt->closing == 0) loop_stop(w->rt->host.loop);
}

/* A timer, so that the loop looks again; it also ends a test that hangs. */
typedef struct Pulse {
  Timer timer;
  World *w;
  int left;
} Pulse;

static void on_pulse(Timer *timer) {
  Pulse *p = CONTAINER_OF(timer, Pulse, timer);
  assert_true(p->left-- > 0);
  timer_start(p->w->rt->host.loop, timer, 0.001);
}

/* Until no load is under way, and all replaced generations are gone. */
static void settle(World *w) {
  Pulse pulse = {.timer.fire = on_pulse, .w = w, .left = 20000};
  timer_start(w->rt->host.loop, &pulse.timer, 0.001);
  loop_run(w->rt->host.loop, stop_when_settled, w);
  timer_stop(w->rt->host.loop, &pulse.timer);
}

static void count_handle(uv_handle_t *handle, void *ctx) {
  (void)handle;
  ++*(int *)ctx;
}

static int handles(World *w) {
  int count = 0;
  uv_walk(loop_uv(w->rt->host.loop), count_handle, &count);
  return count;
}

static int descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 256; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

/* Entries of the registry, where references are kept. */
static int references(World *w) {
  lua_State *L = w->script->owner.current->L;
  int count = 0;
  for (lua_pushnil(L); lua_next(L, LUA_REGISTRYINDEX); lua_pop(L, 1)) count++;
  return count;
}

static int tasks(World *w) {
  return (int)task_count(w->script->owner.current);
}

static int resources(World *w) {
  int count = 0;
  for (Resource *r = w->rt->resources.first; r; r = r->next) count++;
  return count;
}

/* Resident bytes; 0 where a sanitizer keeps what was freed. */
static size_t resident(void) {
#ifdef ADDRESS_SANITIZER
  return 0;
#endif
  unsigned long all, pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%lu %lu", &all, &pages), 2);
  fclose(file);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* --- tests ------------------------------------------------------------------------ */

static const char good[] =
    "local script, task, timer = require 'tidelock.script', require 'tidelock.task', "
    "require 'tidelock.timer'\n"
    "local number = %d\n"
    "script.keep.n = (script.keep.n or 0) + 1\n"
    "timer.every('beat', 60, function() end)\n"
    "if number %% 2 == 0 then timer.every('odd', 60, function() end) end\n"
    "timer.every('period', 60 + number %% 3, function() end)\n"
    "timer.after(60, function() end)\n"
    "timer.every(60, function() end)\n"
    "local co = coroutine.wrap(function() while true do coroutine.yield() end end)\n"
    "co()\n"
    "script.on_start(function()\n"
    "  for i = 1, 3 do task.spawn(function() task.sleep(60) end) end\n"
    "  task.spawn(function() task.all { function() task.sleep(60) end } end)\n"
    "  task.spawn(function() task.spawn(task.sleep, 60):await() end)\n"
    "  task.spawn(function() coroutine.wrap(function() task.sleep(60) end)() end)\n"
    "  timer.after(0, function() task.sleep(60) end)\n"
    "end)\n";

static const char *const bad[] = {
    "x = = %d\n",
    "error('top %d')\n",
    "require 'nowhere%d'\n",
    "require('tidelock.timer').every('a', 1, print) error({%d})\n",
    "require('tidelock.task').sleep(%d)\n",
    "coroutine.wrap(function() error('inner %d') end)()\n",
};

static void reload(World *w, int i) {
  if (i % 3 == 2) save(w, bad[(size_t)(i / 3) % COUNT_OF(bad)], i);
  else save(w, good, i);
  script_load(w->script);
  if (i % 5 != 0) settle(w); /* else the next save comes while this one loads */
}

static void reloads_leave_nothing(void **state) {
  (void)state;
  const char *wanted = getenv("TIDELOCK_RELOADS");
  int rounds = wanted ? atoi(wanted) : 2000;
  World *w = world_new(good);
  settle(w);
  for (int i = 1; i <= 60; i++) reload(w, i);
  reload(w, 61);
  settle(w);
  int before = handles(w), files = descriptors(), refs = references(w);
  int running = tasks(w), held = resources(w);
  size_t memory = w->script->owner.current->memory;
  malloc_trim(0);
  size_t heap = mallinfo2().uordblks, rss = resident();
  for (int i = 62; i <= 62 + rounds; i++) reload(w, i);
  reload(w, 61);
  settle(w);
  assert_int_equal(handles(w), before);
  assert_int_equal(descriptors(), files);
  assert_int_equal(references(w), refs);
  assert_int_equal(tasks(w), running);
  assert_int_equal(resources(w), held);
  assert_in_range(w->script->owner.current->memory, memory / 2, memory + 4096);
  malloc_trim(0);
  assert_in_range(mallinfo2().uordblks, 0, heap + (400 << 10)); /* threads have caches */
  size_t rss_now = resident();
  if (wanted)
    printf("# %d reloads: %zu KiB resident, %zu before\n", rounds, rss_now >> 10,
           rss >> 10);
  if (!getenv("VALGRIND")) assert_in_range(rss_now, 0, rss + rss / 20);
  assert_null(w->script->retiring);
  world_free(w);
}

static void a_save_during_a_load_wins(void **state) {
  (void)state;
  World *w = world_new("local s = require 'tidelock.script'\n"
                       "require('tidelock.timer').every('t', 60, print) s.keep.n = %d\n");
  settle(w);
  assert_int_equal(w->script->owner.current->number, 1);
  static const char slow[] = "local stop = os.clock() + 0.01\n"
                             "while os.clock() < stop do end\n"
                             "require('tidelock.timer').every('t', 60, print)\n"
                             "-- %d\n";
  for (int i = 1; i <= 20; i++) {
    save(w, slow, i);
    script_load(w->script);
    for (int turns = i % 7; turns > 0; turns--)
      uv_run(loop_uv(w->rt->host.loop), UV_RUN_NOWAIT);
  }
  settle(w);
  assert_non_null(strstr(script_current(w->script)->sources->files[0].text, "-- 20"));
  world_free(w);
}

static void all_ends_during_a_load(void **state) {
  (void)state;
  for (int turns = 0; turns < 6; turns++) {
    World *w = world_new("local stop = os.clock() + 0.2\n"
                         "while os.clock() < stop do end\n"
                         "require('tidelock.script').on_start(function() "
                         "require('tidelock.timer').every('t%d', 1, print) end)\n");
    for (int i = 0; i < turns; i++) uv_run(loop_uv(w->rt->host.loop), UV_RUN_NOWAIT);
    if (turns % 2) runtime_exit(w->rt, 0);
    if (turns % 2) runtime_run(w->rt);
    assert_null(w->rt->resources.first);
    world_free(w);
  }
}

static void all_ends_right_after_a_reload(void **state) {
  (void)state;
  for (int turns = 0; turns < 12; turns++) {
    World *w = world_new(good);
    settle(w);
    save(w, good, 1);
    script_load(w->script);
    for (int i = 0; i < turns; i++) uv_run(loop_uv(w->rt->host.loop), UV_RUN_NOWAIT);
    world_free(w);
  }
}

/* --- failing to open -------------------------------------------------------------- */

static int opened, closed, started;
static bool refuse;

static int thing_open(Resource *res, Error *err) {
  if (refuse && strcmp(res->name, "third") == 0)
    return error_set(err, ERR_IO, "third is refused");
  res->object = malloc(1);
  opened++;
  return 0;
}

static void thing_start(Resource *res) {
  (void)res;
  started++;
}

static void thing_close(Resource *res) {
  free(res->object);
  res->object = NULL;
  closed++;
}

static bool thing_alive(const Resource *res) {
  (void)res;
  return true;
}

static bool thing_same(const void *a, const void *b) {
  return *(const int *)a == *(const int *)b;
}

static const ResourceKind thing_kind = {.name = "thing",
                                        .open = thing_open,
                                        .start = thing_start,
                                        .close = thing_close,
                                        .alive = thing_alive,
                                        .same = thing_same,
                                        .free_options = free};

static int f_thing(lua_State *L) {
  int *option = malloc(sizeof *option);
  *option = (int)luaL_optinteger(L, 2, 0);
  Error err;
  declare(L, &thing_kind, luaL_checkstring(L, 1), option, &err);
  return 0;
}

static int open_things(lua_State *L) {
  lua_pushcfunction(L, f_thing);
  return 1;
}

static const LuaModule things[] = {
    {"thing", open_things}, {"tidelock.script", luaopen_tidelock_script}, {NULL, NULL}};

static void load_now(World *w, const char *source) {
  save(w, source, 0);
  script_load(w->script);
  settle(w);
}

static void a_load_that_cannot_open_changes_nothing(void **state) {
  (void)state;
  World *w = world_new("local thing = require 'thing' thing 'first' thing 'second'");
  w->rt->host.modules = things;
  w->rt->options.grace = 100;
  w->script->seen = 0;
  load_now(w, "local thing = require 'thing' thing 'first' thing 'second' -- again");
  assert_int_equal(opened, 2);
  assert_int_equal(started, 2);
  load_now(w, "local thing = require 'thing' thing 'first'"); /* second has the grace */
  assert_int_equal(w->script->owner.current->number, 3);
  refuse = true;
  load_now(w, "local thing = require 'thing' thing('first', 5) thing 'second' "
              "thing 'fresh' thing 'third'");
  assert_int_equal(w->script->owner.current->number, 3);
  int count = 0;
  for (Resource *r = w->rt->resources.first; r; r = r->next, count++)
    assert_int_equal(*(int *)r->options, 0);
  assert_int_equal(count, 2); /* first, and second, that nobody claims */
  assert_int_equal(opened - closed, 2);
  refuse = false;
  int before = started;
  load_now(w, "local thing = require 'thing' thing 'first' thing 'second' -- claimed");
  assert_int_equal(w->script->owner.current->number, 5);
  assert_int_equal(started, before); /* neither is new: both go on */
  assert_int_equal(opened - closed, 2);
  world_free(w);
  assert_int_equal(opened, closed);
}

/* --- serial handlers -------------------------------------------------------------- */

static int f_on(lua_State *L) {
  Declaration *decl = vm_of(L)->decls;
  handler_add(L, &decl->handlers, 1,
              (HandlerOptions){.event = "e", .len = 1, .serial = true});
  return 1;
}

static int open_on(lua_State *L) {
  lua_pushcfunction(L, f_on);
  return 1;
}

static const LuaModule serial_modules[] = {
    {"thing", open_things},
    {"on", open_on},
    {"tidelock.errors", luaopen_tidelock_errors},
    {"tidelock.script", luaopen_tidelock_script},
    {"tidelock.task.core", luaopen_tidelock_task_core},
    {NULL, NULL}};

static int push_number(lua_State *L, void *ctx) {
  lua_pushinteger(L, *(int *)ctx);
  return 1;
}

static void fire(World *w, int i) {
  Generation *gen = script_current(w->script);
  Firing firing = {
      .event = "e", .len = 1, .source = "thing", .push = push_number, .ctx = &i};
  assert_int_equal(handlers_fire(&gen->vm, &gen->vm.decls->handlers, &firing), 1);
}

static World *serial_world(const char *handler) {
  World *w = world_new("local s = require 'tidelock.script'");
  settle(w);
  w->rt->host.modules = serial_modules;
  load_now(w, handler);
  assert_non_null(w->script->owner.current->decls);
  return w;
}

static int kept(World *w, const char *key) {
  lua_State *L = w->script->owner.current->L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, script_current(w->script)->keep);
  lua_getfield(L, -1, key);
  int n = (int)lua_tointeger(L, -1);
  lua_pop(L, 2);
  return n;
}

enum { MANY = 20000 };

static const char first_waits[] =
    "require 'thing' 'x'\n"
    "local keep, task = require('tidelock.script').keep, require 'tidelock.task.core'\n"
    "keep.last, keep.wrong = 0, 0\n"
    "require 'on'(function(i)\n"
    "  if i == 1 then task.sleep(0.05) end\n"
    "  if i ~= keep.last + 1 then keep.wrong = keep.wrong + 1 end\n"
    "  keep.last = i\n"
    "end)";

static void stop_when_idle(void *ctx) {
  World *w = ctx;
  if (!w->script->owner.current->tasks) loop_stop(w->rt->host.loop);
}

static void serial_events_that_piled_up_run_in_order(void **state) {
  (void)state;
  World *w = serial_world(first_waits);
  for (int i = 1; i <= MANY; i++) fire(w, i);
  loop_run(w->rt->host.loop, stop_when_idle, w);
  assert_int_equal(kept(w, "last"), MANY);
  assert_int_equal(kept(w, "wrong"), 0);
  world_free(w);
}

static void serial_events_that_still_wait_are_dropped_with_their_script(void **state) {
  (void)state;
  World *w = serial_world(first_waits);
  for (int i = 1; i <= 100; i++) fire(w, i);
  world_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reloads_leave_nothing),
      cmocka_unit_test(a_save_during_a_load_wins),
      cmocka_unit_test(all_ends_during_a_load),
      cmocka_unit_test(all_ends_right_after_a_reload),
      cmocka_unit_test(a_load_that_cannot_open_changes_nothing),
      cmocka_unit_test(serial_events_that_piled_up_run_in_order),
      cmocka_unit_test(serial_events_that_still_wait_are_dropped_with_their_script),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
