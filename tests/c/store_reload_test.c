/* A script with two stores on disk is reloaded again and again while it stores: nothing
 * is lost, nothing is left behind. RELOADS= in the environment says how often. */
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#include "lua/modules.h"
#include "script/batch.h"
#include "script/parts.h"
#include "resource/stores.h"

typedef struct World {
  char folder[64];
  char *path;
  FILE *errors; /* what is logged as one */
  Log *log;
  Runtime *rt;
  Script *script;
  Timer pulse; /* so that the loop looks again */
  int left;
} World;

/* Each version changes as it starts, on a named timer that outlives it, and as it ends.
 */
static const char source[] =
    "local store, json, timer = require 'tidelock.store', require 'tidelock.json', "
    "require "
    "'tidelock.timer'\n"
    "local script, log, task = require 'tidelock.script', require 'tidelock.log', "
    "require 'tidelock.task'\n"
    "local version = %d\n"
    "local list = store.define('list', {initial = {n = 0, twin = 0, items = json.array "
    "{},"
    " by = {}}, persist = {'n', 'twin', 'items'}, persist_delay = 0.001})\n"
    "local map = store.define('map', {initial = {n = 0, by_key = json.object {}},"
    " persist = {'n', 'by_key'}, persist_delay = 0.002 + version %% 2 / 1000})\n"
    "local function change(why)\n"
    "  list:change(why, function(d)\n"
    "    d.n, d.twin, d.by[why] = d.n + 1, d.twin + 1, (d.by[why] or 0) + 1\n"
    "    table.insert(d.items, #d.items // 2 + 1, {id = d.n, text = ('x'):rep(50)})\n"
    "    if #d.items > 300 then table.remove(d.items, d.n %% #d.items + 1) end\n"
    "  end)\n"
    "  map:change(function(d)\n"
    "    d.n = d.n + 1\n"
    "    d.by_key['k' .. d.n %% 100] = {n = d.n, text = ('y'):rep(50)}\n"
    "  end)\n"
    "end\n"
    "list:subscribe('n', function(new, old)\n"
    "  if new <= old then log.error('heard backwards') end\n"
    "end)\n"
    "timer.every('beat', 0.001, function() change 'beat' end)\n"
    "script.on_start(function()\n"
    "  if list:get('n') ~= list:get('twin') or list:get('n') ~= map:get('n') then\n"
    "    log.error('torn')\n"
    "  end\n"
    "  script.keep.seen = script.keep.seen or 0\n"
    "  if list:get('n') < script.keep.seen then log.error('gone back') end\n"
    "  change 'start'\n"
    "  script.keep.seen = list:get('n')\n"
    "  if list:get('by', 'start') ~= version then log.error('lost a start') end\n"
    "  for _ = 1, 3 do task.sleep(0) change 'task' end\n"
    "  task.sleep(0.001) change 'late'\n"
    "end)\n";

static long errors_logged(World *w) {
  fflush(w->errors);
  return ftell(w->errors);
}

static void show_errors(World *w) {
  char line[500];
  rewind(w->errors);
  while (fgets(line, sizeof line, w->errors)) print_error("%s", line);
}

static void on_pulse(Timer *timer) {
  World *w = CONTAINER_OF(timer, World, pulse);
  if (w->left-- <= 0) fail_msg("no end of a load");
  timer_start(w->rt->host.loop, timer, 0.0005);
}

static void stop_when_settled(void *ctx) {
  World *w = ctx;
  Script *s = w->script;
  if (!s->staging && !s->retiring && w->rt->closing == 0) loop_stop(w->rt->host.loop);
}

/* Until the version runs and those before it are gone. */
static void load(World *w, int version) {
  FILE *file = fopen(w->path, "w");
  assert_non_null(file);
  fprintf(file, source, version);
  fclose(file);
  Error err;
  if (w->script) script_load(w->script);
  else w->script = script_add(w->rt, "bot", w->path, NULL, &err);
  assert_non_null(w->script);
  w->left = 40000;
  timer_start(w->rt->host.loop, &w->pulse, 0.0005);
  loop_run(w->rt->host.loop, stop_when_settled, w);
  timer_stop(w->rt->host.loop, &w->pulse);
  if (errors_logged(w) == 0) return;
  show_errors(w);
  fail_msg("an error was logged");
}

static void open_world(World *w) {
  *w = (World){.pulse.fire = on_pulse};
  strcpy(w->folder, "/tmp/tidelock-test-XXXXXX");
  assert_non_null(mkdtemp(w->folder));
  w->path = xasprintf("%s/bot.lua", w->folder);
  w->errors = tmpfile();
  w->log = log_new(w->errors, LOG_ERROR, LOG_TEXT);
  w->rt = runtime_new(
      w->log,
      &(RuntimeOptions){.modules = lua_modules, .data = w->folder, .grace = 0.002});
}

static void end_world(World *w) {
  log_free(w->log);
  fclose(w->errors);
  free(w->path);
  char *command = xasprintf("rm -rf '%s'", w->folder);
  assert_int_equal(system(command), 0);
  free(command);
}

/* --- what is there ---------------------------------------------------------------- */

static int descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 256; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
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

static size_t heap(void) {
  malloc_trim(0);
  return mallinfo2().uordblks;
}

static long resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file) return 0;
  if (fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* A number of the store as the script sees it. */
static int64_t counted(World *w, const char *store) {
  for (Resource *res = w->rt->resources.first; res; res = res->next)
    if (res->kind == &store_kind && strcmp(res->name, store) == 0)
      return value_object_get(store_root(store_of(res->decls)), "n", 1).integer;
  fail_msg("no store %s", store);
  return 0;
}

static int64_t stored(World *w, const char *query) {
  sqlite3 *sql;
  sqlite3_stmt *get;
  char *path = xasprintf("%s/state.db", w->folder);
  assert_int_equal(sqlite3_open(path, &sql), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(sql, query, -1, &get, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(get), SQLITE_ROW);
  int64_t n = sqlite3_column_int64(get, 0);
  sqlite3_finalize(get);
  sqlite3_close(sql);
  free(path);
  return n;
}

#define ROW(store, key)                                                                  \
  "SELECT json FROM row JOIN store ON store.id = row.store WHERE store.name = "          \
  "'bot:" store "' AND CAST(place AS TEXT) = '" key "'"

static void nothing_is_lost_by_reloads(void **state) {
  (void)state;
  enum { WARM_UP = 150, CHECKPOINT_FILES = 2 };
  const char *wanted = getenv("RELOADS");
  int version = 0, reloads = wanted ? atoi(wanted) : 300;
  World w;
  open_world(&w);
  while (version < WARM_UP) load(&w, ++version);
  int files = descriptors(), open = handles(&w);
  size_t before = heap();
  long rss = resident();
  while (version < WARM_UP + reloads) load(&w, ++version);
  /* A checkpoint has two open while it runs; sqlite keeps one of them for the next. */
  assert_in_range(descriptors(), files - CHECKPOINT_FILES, files + CHECKPOINT_FILES);
  assert_int_equal(handles(&w), open);
  size_t after = heap();
  int64_t n = counted(&w, "list"), m = counted(&w, "map");
  print_message("%d reloads, %lld changes; heap %+lld KB, resident %+ld KB\n", reloads,
                (long long)n, ((long long)after - (long long)before) / 1024,
                resident() - rss);
  assert_in_range(after, 0, before + (400 << 10)); /* threads have caches */
  assert_int_equal(n, m);
  assert_true(n >= version); /* a start each */
  runtime_free(w.rt);
  assert_int_equal(stored(&w, ROW("list", "n")), n);
  assert_int_equal(stored(&w, ROW("list", "twin")), n);
  assert_int_equal(stored(&w, ROW("map", "n")), m);
  end_world(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_by_reloads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
