/* Reloads without memory: whichever allocation fails, of ours or of Lua's, the version
 * that runs goes on, on the same connection, with its timers and stores, and no handle is
 * left open.
 *
 * Of ours: the n-th fails once, n = 1, 2, 3, ... Of Lua's: the new state may use so much
 * and no more, from nothing to what it needs. Sparse; FAULT_ALL=1 takes every n and
 * smaller steps, FAULT_TELL=1 says how many there were. */
#include "script_env.h"

#include <lauxlib.h>
#include <pthread.h>

/* --- between the core and the system ------------------------------------------------ */

static pthread_t loop_thread;
static bool armed;
static long left; /* allocations until one fails */
static bool fired;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool fails(void) {
  if (!armed || !pthread_equal(pthread_self(), loop_thread) || --left != 0) return false;
  return fired = true;
}
void *__wrap_malloc(size_t size) {
  return fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size) {
  return fails() ? NULL : __real_realloc(old, size);
}

/* --- the world ---------------------------------------------------------------------- */

static Env env;
static struct Beat {
  lua_Integer answer, stored;
  char id[32], version[8];
  int count;
} beat;

/* beat(version, id, what the server answered, what the store has) */
static int f_beat(lua_State *L) {
  snprintf(beat.version, sizeof beat.version, "%s", luaL_checkstring(L, 1));
  snprintf(beat.id, sizeof beat.id, "%s", luaL_checkstring(L, 2));
  beat.answer = luaL_checkinteger(L, 3);
  beat.stored = luaL_checkinteger(L, 4);
  beat.count++;
  loop_stop(vm_of(L)->host->loop);
  return 0;
}

static int open_probe(lua_State *L) {
  lua_pushcfunction(L, f_beat);
  return 1;
}

static const char peer[] =
    "local s = server.listen('peer', {port = 0})\n"
    "s:io():on('connection', function(sock)\n"
    "  sock:on('add', function(n, ack) ack(n + 1) end)\n"
    "end)\n"
    "script.on_start(function() log.info('PORT ' .. s.port .. '.') end)\n";

/* Both versions; the second one declares more. */
static const char bot[] =
    "local beat, store = require 'test.probe', require 'tidelock.store'\n"
    "local chat = socket.connect('chat', {url = URL, reconnect = {delay = DELAY}})\n"
    "local s = store.define('s', {initial = {n = 0}})\n"
    "chat:on('x', print) chat:on_any(print) s:subscribe('n', function() end)\n"
    "script.keep.list = script.keep.list or {1, {2, 'three'}}\n"
    "if MORE then\n"
    "  socket.connect('more', {url = URL, query = {a = 'b'}, auth = function() end})\n"
    "  server.listen('http', {port = 0}):get('/', function() end)\n"
    "  timer.every('more', 5, print)\n"
    "  store.define('more', {initial = {list = {1, 2, {a = 'b'}}}})\n"
    "  script.grace(0.02)\n"
    "end\n"
    "script.on_notice(function() end)\n"
    "script.on_start(function() end)\n"
    "timer.every('beat', 0.001, function()\n"
    "  if chat.state ~= 'connected' then return end\n"
    "  local n = s:get 'n' + 1\n"
    "  s:set{n = n}\n"
    "  beat(VERSION, chat.id, chat:call('add', n), n)\n"
    "end)\n";

static Script *the_bot(void) {
  return script_find(env.rt, "bot", 3);
}

static void count_handle(uv_handle_t *handle, void *count) {
  if (!uv_is_closing(handle)) ++*(int *)count;
}

static int handles(void) {
  int count = 0;
  uv_walk(loop_uv(env.rt->host.loop), count_handle, &count);
  for (Resource *r = env.rt->resources.first; r; r = r->next) count += 1000;
  return count;
}

/* Runs the loop until `done`; fails after 20 seconds. */
static void until(bool (*done)(void), const char *what, long n) {
  env.awaited = "\n\n\n"; /* nothing that is logged */
  env.timed_out = false;
  timer_start(env.rt->host.loop, &env.watchdog, 20);
  while (!done() && !env.timed_out) loop_run(env.rt->host.loop, NULL, NULL);
  timer_stop(env.rt->host.loop, &env.watchdog);
  if (env.timed_out)
    fail_msg("at %ld: waited in vain for %s\n%s", n, what, env_log(&env));
}

static void stop_soon(Timer *timer) {
  (void)timer;
  loop_stop(env.rt->host.loop);
}

static int beats;
static bool has_beaten(void) {
  return beat.count >= beats;
}

static Timer look; /* so that the loop comes back to ask */
static bool is_loaded(void) {
  if (the_bot()->load) timer_start(env.rt->host.loop, &look, 0.0005);
  return the_bot()->load == NULL;
}

static bool is_quiet(void) {
  bool quiet = env.rt->closing == 0 && the_bot()->retiring == NULL &&
               !net_has_rest(env.rt->resources.net); /* a goodbye */
  for (Resource *r = env.rt->resources.first; r; r = r->next)
    if (span_runs(&r->grace)) quiet = false;
  if (!quiet) timer_start(env.rt->host.loop, &look, 0.0005);
  return quiet;
}

/* Two beats more: one may have been on its way. */
static void check_that_it_works(long n) {
  lua_Integer stored = beat.stored;
  beats = beat.count + 2;
  until(has_beaten, "an answer", n);
  assert_int_equal(beat.answer, beat.stored + 1);
  assert_true(beat.stored > stored);
}

static void write_bot(const char *version, bool more) {
  char *text = xasprintf("local VERSION, MORE, DELAY = '%s', %s, %s\n%s", version,
                         more ? "true" : "false", more ? "0.02" : "0.01", bot);
  char *all =
      xasprintf("local socket, script, timer, server = require 'tidelock.socket', "
                "require 'tidelock.script', require 'tidelock.timer', "
                "require 'tidelock.server' "
                "local URL = require('tidelock.env').get('WS_URL')\n%s",
                text);
  env_write(&env, "bot", "", all);
  free(text);
  free(all);
}

static void load_old(long n) {
  the_bot()->seen = 0;
  write_bot("old", false);
  script_load(the_bot());
  until(is_loaded, "the old version", n);
  until(is_quiet, "the end of the new one", n);
  check_that_it_works(n);
  if (strcmp(beat.version, "old") != 0) fail_msg("%ld: it is not back", n);
}

static int open_world(void **state) {
  (void)state;
  static LuaModule modules[64] = {{"test.probe", open_probe}};
  for (int i = 0; lua_modules[i].name; i++) modules[i + 1] = lua_modules[i];
  env_open(&env, (RuntimeOptions){.grace = 0.02, .modules = modules});
  loop_thread = pthread_self();
  look.fire = stop_soon;
  char url[64];
  env_save(&env, "peer", peer);
  env_await(&env, ".\n");
  snprintf(url, sizeof url, "http://127.0.0.1:%d",
           atoi(strstr(env_log(&env), "PORT ") + 5));
  setenv("WS_URL", url, 1);
  write_bot("old", false);
  char *path = env_path(&env, "bot");
  Error err;
  assert_non_null(script_add(env.rt, "bot", path, NULL, &err));
  free(path);
  beat = (struct Beat){0};
  check_that_it_works(0);
  return 0;
}

static int close_world(void **state) {
  (void)state;
  timer_stop(env.rt->host.loop, &look);
  env_close(&env);
  return 0;
}

/* --- the sweeps --------------------------------------------------------------------- */

typedef struct Sweep {
  char id[32];
  int handles, refused, took_over, beside;
} Sweep;

static Sweep begin(void) {
  Sweep sweep = {0};
  until(is_quiet, "quiet", 0);
  strcpy(sweep.id, beat.id);
  sweep.handles = handles();
  return sweep;
}

/* Loads the version that declares more; whichever runs then must work. Whether it took
 * over. */
static bool attempt(Sweep *sweep, long n) {
  unsigned before = the_bot()->owner.current->number;
  the_bot()->seen = 0;
  write_bot("new", true);
  script_load(the_bot());
  until(is_loaded, "the end of the load", n);
  armed = false;
  bool over = the_bot()->owner.current->number != before;
  until(is_quiet, "the end of what was given up", n);
  check_that_it_works(n);
  assert_string_equal(beat.id, sweep->id);
  assert_string_equal(beat.version, over ? "new" : "old");
  if (memory_is_short()) { /* what failed was no part of the load: the loop sees it */
    runtime_reserve(env.rt, false);
    assert_false(memory_is_short());
    sweep->beside++;
    if (getenv("FAULT_TELL")) fprintf(stderr, "beside the load: %ld\n", n);
  }
  if (over) load_old(n);
  until(is_quiet, "quiet", n);
  if (handles() != sweep->handles)
    fail_msg("at %ld: %d handles, not %d\n%s", n, handles(), sweep->handles,
             env_log(&env));
  sweep->refused += !over;
  sweep->took_over += over;
  return over;
}

static void tell(const char *what, const Sweep *sweep, long n) {
  if (getenv("FAULT_TELL"))
    fprintf(stderr, "%s: up to %ld; refused %d, took over %d, beside %d\n", what, n,
            sweep->refused, sweep->took_over, sweep->beside);
}

static void any_allocation_of_ours_may_fail(void **state) {
  (void)state;
  Sweep sweep = begin();
  long n = 1, step = 1;
  for (fired = true; fired; n += step) {
    fired = false;
    left = n;
    armed = true;
    attempt(&sweep, n);
    if (!getenv("FAULT_ALL")) step = 1 + n / 8;
  }
  tell("ours", &sweep, n);
  assert_true(sweep.refused > 20);
  assert_true(sweep.beside * 20 < sweep.refused);
  assert_true(env_has(&env, "MEMORY: no memory left"));
}

static void any_of_luas_may_fail(void **state) {
  (void)state;
  Sweep sweep = begin();
  size_t all = env.rt->host.memory_limit;
  size_t step = getenv("FAULT_ALL") ? 64 : 8192, limit = 0;
  bool over = false;
  while (!over) {
    limit += step;
    env.rt->host.memory_limit = limit;
    unsigned before = the_bot()->owner.current->number;
    the_bot()->seen = 0;
    write_bot("new", true);
    script_load(the_bot());
    until(is_loaded, "the end of the load", (long)limit);
    over = the_bot()->owner.current->number != before;
    env.rt->host.memory_limit = all;
    if (over) the_bot()->owner.current->memory_limit = all;
    until(is_quiet, "quiet", (long)limit);
    check_that_it_works((long)limit);
    assert_string_equal(beat.id, sweep.id);
    if (!over) assert_int_equal(handles(), sweep.handles);
    sweep.refused += !over;
    sweep.took_over += over;
  }
  load_old((long)limit);
  assert_int_equal(handles(), sweep.handles);
  tell("Lua's", &sweep, (long)limit);
  assert_true(sweep.refused > 5);
}

/* --- without a load ----------------------------------------------------------------- */

static void run_out(void) {
  left = 1;
  armed = true;
  free(xmalloc(1));
  armed = false;
  assert_true(memory_is_short());
}

/* The runtime's own loop sees it, whatever it was that took the reserve. */
static void without_a_load_it_is_told_once(void **state) {
  (void)state;
  static const char told[] = "ERROR tidelock: no memory left";
  run_out();
  runtime_exit(env.rt, 0);
  assert_int_equal(runtime_run(env.rt), 0);
  assert_false(memory_is_short());
  assert_true(env_has(&env, told));
  run_out();
  runtime_reserve(env.rt, false);
  assert_false(memory_is_short());
  assert_null(strstr(strstr(env_log(&env), told) + 1, told));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(any_allocation_of_ours_may_fail, open_world,
                                      close_world),
      cmocka_unit_test_setup_teardown(any_of_luas_may_fail, open_world, close_world),
      cmocka_unit_test_setup_teardown(without_a_load_it_is_told_once, open_world,
                                      close_world),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
