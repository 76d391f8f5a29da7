/* A reload that a script requests of itself comes, whenever it was requested: also while
 * a load of it is under way, which has read its sources before. Once for all requests
 * until then, and never without end. */
#include "script/reload_request.h"

#include "script_env.h"
#include "script/exit.h"

static Env env;

static int open_world(void **state) {
  (void)state;
  env_open(&env, (RuntimeOptions){.grace = 0.1});
  return 0;
}

static int close_world(void **state) {
  (void)state;
  env_close(&env);
  return 0;
}

static Script *the_bot(void) {
  return script_find(env.rt, "bot", 3);
}

static unsigned generation(void) {
  return the_bot()->owner.current->number;
}

#define HEAD                                                                             \
  "local script, timer, task, log = require 'tidelock.script', require "                 \
  "'tidelock.timer', require 'tidelock.task', require 'tidelock.log'\n"                  \
  "timer.every('hold', 60, print)\n"
#define UP(word)                                                                         \
  "script.on_start(function() log.info('" word " ' .. script.generation .. '.') end)\n"
/* Its top level takes some turns. */
#define SLOW "for i = 1, 3e6 do local x = i end\n"

static void write_bot(const char *text) {
  env_write(&env, "bot", HEAD, text);
}

static void open_bot(const char *text) {
  env_save(&env, "bot", text);
  env_await(&env, "UP 1.");
}

/* The load of what is written now is under way; its sources have been read. */
static void begin_load(const char *text) {
  write_bot(text);
  script_load(the_bot());
  assert_non_null(the_bot()->load);
}

/* Runs until nothing is asked for any more. */
static void settle(const char *word) {
  static int count;
  char *text = xasprintf("SETTLED %s %d.", word, ++count);
  char *code = xasprintf("timer.after(0.05, function() log.info('%s') end)\n", text);
  env_save(&env, "clock", code);
  env_await(&env, text);
  free(code);
  free(text);
}

static size_t count_of(const char *text) {
  size_t count = 0;
  for (const char *at = env_log(&env); (at = strstr(at, text)); at++) count++;
  return count;
}

/* --- while a load is under way ------------------------------------------------------ */

static void what_is_saved_behind_the_reading_is_loaded(void **state) {
  (void)state;
  open_bot("timer.every('hold', 60, print)\n" UP("UP"));
  begin_load(SLOW UP("TWO"));
  assert_true(reload_ask_self(the_bot()));
  write_bot(UP("THREE"));
  env_await(&env, "THREE 3.");
  assert_true(env_has(&env, "TWO 2."));
  settle("once");
  assert_int_equal(generation(), 3);
}

static void asking_often_is_asking_once(void **state) {
  (void)state;
  open_bot("timer.every('hold', 60, print)\n" UP("UP"));
  begin_load(SLOW UP("TWO"));
  for (int i = 0; i < 100; i++) assert_true(reload_ask_self(the_bot()));
  env_await(&env, "TWO 3.");
  settle("often");
  assert_int_equal(generation(), 3);
}

/* By a task of the generation that runs, for as long as the other one loads. */
static void a_task_of_the_running_generation_asks(void **state) {
  (void)state;
  open_bot("local ask = timer.every(0.001, function()\n"
           "  log.info 'ASKED' script.reload() end)\n" UP("UP"));
  env_await(&env, "UP 2."); /* it asks whenever it runs */
  begin_load(SLOW UP("QUIET"));
  size_t before = count_of("ASKED");
  env_await(&env, "QUIET");
  if (count_of("ASKED") > before) settle("task");
  assert_true(count_of("QUIET") <= 2);
  assert_null(the_bot()->load);
}

/* --- a load that fails -------------------------------------------------------------- */

static void a_notice_of_a_failure_asks(void **state) {
  (void)state;
  open_bot("script.on_notice(function(n)\n"
           "  if n.event ~= 'failed' then return end\n"
           "  log.info('NOTICED') script.reload() script.reload()\n"
           "end)\ntimer.every('hold', 60, print)\n" UP("UP"));
  begin_load(SLOW "error 'broken'\n");
  write_bot(UP("MENDED")); /* before the load has failed */
  env_await(&env, "MENDED 3.");
  assert_int_equal(count_of("NOTICED"), 1);
  settle("notice");
  assert_int_equal(generation(), 3);
}

static void a_notice_asks_until_it_is_mended(void **state) {
  (void)state;
  open_bot("script.on_notice(function(n)\n"
           "  if n.event == 'failed' then script.reload() end\n"
           "end)\ntimer.every('hold', 60, print)\n" UP("UP"));
  the_bot()->reload_due = loop_now(env.rt->host.loop) + (1200 - 10) * 0.25;
  begin_load("error 'broken'\n");
  env_await(&env, "broken");
  settle("loop");
  size_t loads = count_of("bot.lua:3: broken\n    stack");
  assert_in_range(loads, 10, 40); /* ten in a row, then four times a second */
  write_bot(UP("MENDED"));
  env_await(&env, "MENDED");
}

static void a_failed_top_level_with_a_request_before(void **state) {
  (void)state;
  open_bot("timer.every('hold', 60, print)\n" UP("UP"));
  begin_load(SLOW "error 'broken'\n");
  assert_true(reload_ask_self(the_bot()));
  write_bot(UP("MENDED"));
  env_await(&env, "MENDED 3.");
  assert_true(env_has(&env, "broken"));
}

static void a_notice_of_a_reload_and_on_start_ask(void **state) {
  (void)state;
  open_bot(
      "script.on_notice(function(n)\n"
      "  if n.event == 'reloaded' and script.generation < 4 then script.reload() end\n"
      "end)\n"
      "timer.every('hold', 60, print)\n"
      "script.on_start(function() log.info('UP ' .. script.generation .. '.')\n"
      "  if script.generation < 3 then script.reload() end\nend)\n");
  env_await(&env, "UP 4.");
  settle("start");
  assert_int_equal(generation(), 4);
}

/* --- a load that is given up for a newer one ---------------------------------------- */

/* The newer one has read what was asked for. */
static void a_save_meanwhile_answers_the_request(void **state) {
  (void)state;
  open_bot("timer.every('hold', 60, print)\n" UP("UP"));
  begin_load(SLOW UP("TWO"));
  assert_true(reload_ask_self(the_bot()));
  write_bot(SLOW UP("THREE"));
  script_load(the_bot());
  env_await(&env, "THREE 3.");
  settle("save");
  assert_int_equal(generation(), 3);
  assert_false(env_has(&env, "TWO"));
}

/* The other of a pair is saved with what failed: the one that asked is in no newer load.
 */
static void one_that_is_left_out_is_loaded_all_the_same(void **state) {
  (void)state;
  env_write(&env, "shared", "", "return 1");
  open_bot("require 'shared' timer.every('hold', 60, print)\n" UP("UP"));
  env_save(&env, "two", "require 'shared' timer.every('hold', 60, print)\n");
  env_await(&env, "UP 1.");
  settle("pair");
  env_write(&env, "shared", "", SLOW "return 2");
  Script *pair[] = {the_bot(), script_find(env.rt, "two", 3)};
  scripts_load(env.rt, pair, 2);
  assert_ptr_equal(pair[0]->load, pair[1]->load);
  assert_non_null(pair[0]->load);
  assert_true(reload_ask_self(the_bot()));
  env_write(&env, "shared", "", "return 1"); /* as it runs */
  env_write(&env, "two", HEAD, "log.info 'TWO'");
  scripts_load(env.rt, &pair[1], 1);
  env_await(&env, "UP 3.");
  assert_false(the_bot()->reload_deferred);
}

/* --- its limits ----------------------------------------------------------------------
 */

static void after_many_it_waits(void **state) {
  (void)state;
  open_bot("timer.every('hold', 60, print)\n" UP("UP"));
  begin_load(SLOW UP("TWO"));
  the_bot()->reload_due = loop_now(env.rt->host.loop) + 1200 * 0.25 + 1.5;
  assert_true(reload_ask_self(the_bot()));
  env_await(&env, "TWO 2.");
  assert_true(timer_active(&the_bot()->reload_pace));
  assert_int_equal(generation(), 2);
  env_await(&env, "TWO 3.");
}

static void a_load_at_the_pace_is_no_reason_to_give_another_up(void **state) {
  (void)state;
  open_bot("timer.every('hold', 60, print)\n" UP("UP"));
  the_bot()->reload_due = loop_now(env.rt->host.loop) + 1200 * 0.25 + 0.001;
  assert_true(reload_ask_self(the_bot()));
  begin_load("for i = 1, 2e7 do local x = i end\n" UP("TWO"));
  env_await(&env, "TWO 3."); /* the timer has fired while generation 2 loaded */
  assert_true(env_has(&env, "TWO 2."));
}

static void a_script_that_ends_is_not_loaded_again(void **state) {
  (void)state;
  env_save(&env, "first", "timer.every('hold', 60, print)\n");
  open_bot("timer.every('end', 0.01, function()\n"
           "  if END then script.exit(0) end end)\n" UP("UP"));
  begin_load("for i = 1, 3e8 do local x = i end\n" UP("TWO"));
  assert_true(reload_ask_self(the_bot()));
  lua_State *L = the_bot()->owner.current->L;
  lua_pushboolean(L, 1);
  lua_setglobal(L, "END");
  env_await(&env, "bot: ends itself");
  settle("end");
  assert_true(the_bot()->ended);
  assert_false(the_bot()->reload_deferred || the_bot()->reload_asked);
  assert_false(env_has(&env, "TWO"));
}

static void a_test_has_none(void **state) {
  (void)state;
  open_bot("timer.every('hold', 60, print)\n" UP("UP"));
  env.rt->options.tests_only = true;
  assert_false(reload_ask_self(the_bot()));
  begin_load(SLOW UP("TWO"));
  assert_false(reload_ask_self(the_bot()));
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      test(what_is_saved_behind_the_reading_is_loaded),
      test(asking_often_is_asking_once),
      test(a_task_of_the_running_generation_asks),
      test(a_notice_of_a_failure_asks),
      test(a_notice_asks_until_it_is_mended),
      test(a_failed_top_level_with_a_request_before),
      test(a_notice_of_a_reload_and_on_start_ask),
      test(a_save_meanwhile_answers_the_request),
      test(one_that_is_left_out_is_loaded_all_the_same),
      test(after_many_it_waits),
      test(a_load_at_the_pace_is_no_reason_to_give_another_up),
      test(a_script_that_ends_is_not_loaded_again),
      test(a_test_has_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
