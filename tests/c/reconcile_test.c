/* What becomes of a resource when its script is loaded anew: by a kind of its own, which
 * notes each call. Whatever fails, all that ran goes on as it was. */
#include "resource/reconcile.h"

#include <lauxlib.h>

#include "resource/declare.h"
#include "script_env.h"

static Env env;
static Buffer calls; /* "open a=10, start a, " */

/* --- a kind of our own ---------------------------------------------------------------
 */

/* Options are numbers: 10 to 19 change in place into one another; numbers of the same
 * hundred cannot be open at once. 7 cannot be opened, 8 not be prepared, 9 not checked.
 */
typedef struct Thing {
  int number;
} Thing;

static int number_of(const void *options) {
  return *(const int *)options;
}

static void note(const char *what, const char *name, int number) {
  buffer_printf(&calls, "%s %s=%d, ", what, name, number);
}

static int open_thing(Resource *res, Error *err) {
  int number = number_of(res->options);
  note("open", res->name, number);
  if (number % 10 == 7) return error_set(err, ERR_BUSY, "7 cannot be opened");
  Thing *thing = xcalloc(1, sizeof *thing);
  thing->number = number;
  res->object = thing;
  return 0;
}

static void start_thing(Resource *res) {
  note("start", res->name, ((Thing *)res->object)->number);
}

static void close_thing(Resource *res) {
  note("close", res->name, ((Thing *)res->object)->number);
  free(res->object);
  res->object = NULL;
}

static bool is_alive(const Resource *res) {
  return res->decls != NULL;
}

static bool are_same(const void *a, const void *b) {
  return number_of(a) == number_of(b);
}

static bool change_in_place(const void *a, const void *b) {
  return number_of(a) / 10 == 1 && number_of(b) / 10 == 1;
}

static void change_thing(Resource *res, const void *before) {
  Thing *thing = res->object;
  assert_int_equal(thing->number, number_of(before));
  thing->number = number_of(res->options);
  note("change", res->name, thing->number);
}

static bool exclude(const void *a, const void *b) {
  return number_of(a) / 100 == number_of(b) / 100;
}

static int check_thing(const void *options, Error *err) {
  return number_of(options) % 10 == 9 ? error_set(err, ERR_INVALID, "9 is wrong") : 0;
}

static int prepare_thing(Resource *res, Declaration *decl, Error *err) {
  int number = number_of(decl->options ? decl->options : res->options);
  return number % 10 == 8 ? error_set(err, ERR_INVALID, "8 cannot be prepared") : 0;
}

static void join_thing(Declaration *decl) {
  if (decl->attached) note("join", decl->res->name, 0);
}

static void lose_thing(Declaration *decl) {
  if (decl->attached) note("lose", decl->name, 0);
}

static const ResourceKind kind = {.name = "thing",
                                  .open = open_thing,
                                  .start = start_thing,
                                  .close = close_thing,
                                  .alive = is_alive,
                                  .same = are_same,
                                  .in_place = change_in_place,
                                  .change = change_thing,
                                  .exclusive = exclude,
                                  .check = check_thing,
                                  .free_options = free,
                                  .prepare = prepare_thing,
                                  .join = join_thing,
                                  .lose = lose_thing};

/* thing(name, number): whether it could be declared */
static int f_thing(lua_State *L) {
  int *options = xmalloc(sizeof *options);
  *options = (int)luaL_checkinteger(L, 2);
  Error err;
  lua_pushboolean(L, declare(L, &kind, luaL_checkstring(L, 1), options, &err) != NULL);
  return 1;
}

static int f_attach(lua_State *L) {
  declare_attached(L, &kind, luaL_checkstring(L, 1));
  return 0;
}

static int open_module(lua_State *L) {
  lua_register(L, "thing", f_thing);
  lua_register(L, "attach", f_attach);
  lua_pushboolean(L, 1);
  return 1;
}

/* --- the world ---------------------------------------------------------------------- */

static int open_world(void **state) {
  (void)state;
  static LuaModule modules[64] = {{"test.things", open_module}};
  for (int i = 0; lua_modules[i].name; i++) modules[i + 1] = lua_modules[i];
  env_open(&env, (RuntimeOptions){.grace = 0.1, .modules = modules});
  return 0;
}

static int close_world(void **state) {
  (void)state;
  env_close(&env);
  buffer_free(&calls);
  return 0;
}

/* Loads a script with this top level, and awaits its end. */
static void load_script(const char *name, const char *code, const char *awaited) {
  static int loads;
  char *line = xasprintf("LOADED %d.", ++loads);
  char *text = xasprintf("require 'test.things'\n%s\ntimer.every('hold', 60, print)\n"
                         "script.on_start(function() log.info('%s') end)\n",
                         code, line);
  buffer_clear(&calls);
  env_save(&env, name, text);
  env_await(&env, awaited ? awaited : line);
  free(line);
  free(text);
}

static void load_bot(const char *code) {
  load_script("bot", code, NULL);
}

static void fail_bot(const char *code, const char *why) {
  load_script("bot", code, why);
  Script *bot = script_find(env.rt, "bot", 3);
  while (bot->load) loop_run(env.rt->host.loop, env_idle, &env);
}

static void assert_calls(const char *expected) {
  assert_string_equal(buffer_text(&calls), expected);
  buffer_clear(&calls);
}

/* The old one goes on, and is closed with the number that it has. */
static void assert_goes_on(const char *closing) {
  load_bot("");
  env_await(&env, "is closed: the script no longer declares it");
  assert_calls(closing);
}

/* --- what becomes of one -------------------------------------------------------------
 */

static void a_new_one_is_opened_and_then_started(void **state) {
  (void)state;
  load_bot("thing('a', 10) thing('b', 110)");
  assert_calls("open a=10, open b=110, start a=10, start b=110, ");
}

static void one_that_is_unchanged_is_kept(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  load_bot("thing('a', 10) -- again");
  assert_calls("");
  assert_true(env_has(&env, "2 kept"));
}

static void one_that_can_changes_in_place(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  load_bot("thing('a', 11)");
  assert_calls("change a=11, ");
  assert_true(env_has(&env, "1 changed: thing \"a\" (options)"));
}

static void another_is_opened_before_the_old_one_goes(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  load_bot("thing('a', 110)");
  assert_calls("open a=110, close a=10, start a=110, ");
}

static void or_after_where_they_cannot_be_open_at_once(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  load_bot("thing('a', 25)");
  assert_calls("close a=10, open a=25, start a=25, ");
  assert_true(env_has(&env, "1 reopened: thing \"a\""));
}

static void one_that_is_not_declared_goes_after_its_grace(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  load_bot("");
  assert_calls("");
  assert_true(env_has(&env, "closed in 0.1 s unless claimed: thing \"a\""));
  env_await(&env, "thing a is closed: the script no longer declares it");
  assert_calls("close a=10, ");
}

static void unless_it_is_claimed_before(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  load_bot("timer.after(0.03, function() thing('a', 11) log.info 'CLAIMED' end)\n"
           "timer.after(0.2, function() log.info 'LATER' end)");
  env_await(&env, "CLAIMED");
  assert_calls("change a=11, ");
  env_await(&env, "LATER");
  assert_calls("");
  assert_false(env_has(&env, "is closed"));
}

static void a_live_script_declares_at_once(void **state) {
  (void)state;
  load_bot("timer.after(0.001, function()\n"
           "  log.info('GOT ' .. tostring(thing('a', 10)) .. tostring(thing('b', 7)))\n"
           "end)");
  env_await(&env, "GOT truefalse");
  assert_calls("open a=10, start a=10, open b=7, ");
}

/* --- another name --------------------------------------------------------------------
 */

static void what_stood_in_the_way_has_another_name_now(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  load_bot("thing('b', 10)");
  assert_calls("");
  load_bot("thing('c', 11)");
  assert_calls("change c=11, ");
  load_bot("thing('c', 11) thing('d', 110)");
  assert_calls("open d=110, start d=110, ");
}

static void a_name_comes_back_when_the_load_fails(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  fail_bot("thing('b', 11) thing('z', 207)", "7 cannot be opened");
  assert_calls("open z=207, ");
  load_bot("thing('a', 10) -- again");
  assert_calls("");
}

/* --- what fails ----------------------------------------------------------------------
 */

static void what_was_opened_beside_is_closed_again(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  fail_bot("thing('n', 310) thing('a', 110) thing('z', 207)", "7 cannot be opened");
  assert_calls("open n=310, open a=110, open z=207, close n=310, close a=110, ");
  assert_true(env_has(&env, "bot.lua:3: thing \"z\": 7 cannot be opened"));
  assert_goes_on("close a=10, ");
}

static void nothing_is_closed_first_while_anything_may_fail(void **state) {
  (void)state;
  load_bot("thing('a', 10) thing('b', 110)");
  fail_bot("thing('a', 25) thing('b', 111) thing('z', 207)", "7 cannot be opened");
  assert_calls("open z=207, ");
}

static void one_that_cannot_be_opened_after_it_was_closed_comes_back(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  fail_bot("thing('a', 27)", "7 cannot be opened");
  assert_calls("close a=10, open a=27, open a=10, start a=10, ");
  assert_goes_on("close a=10, ");
}

static void one_that_was_replaced_before_comes_back(void **state) {
  (void)state;
  load_bot("thing('a', 10) thing('b', 110)");
  fail_bot("thing('a', 25) thing('b', 127)", "7 cannot be opened");
  assert_calls("close a=10, open a=25, close b=110, open b=127, open b=110, start b=110, "
               "close a=25, open a=10, start a=10, ");
}

static void what_is_changed_in_place_was_not_touched(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  fail_bot("thing('a', 11) thing('z', 207)", "7 cannot be opened");
  assert_calls("open z=207, ");
  assert_goes_on("close a=10, ");
}

static void one_that_cannot_be_prepared_fails_the_load(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  fail_bot("thing('a', 18)", "8 cannot be prepared");
  assert_calls("");
  fail_bot("thing('b', 118)", "bot.lua:3: thing \"b\": 8 cannot be prepared");
  assert_calls("open b=118, close b=118, ");
}

static void what_shows_before_is_checked_before_anything_closes(void **state) {
  (void)state;
  load_bot("thing('a', 10)");
  fail_bot("thing('a', 29)", "9 is wrong");
  assert_calls("");
}

/* --- those of others -----------------------------------------------------------------
 */

static void one_that_attaches_is_bound_when_it_comes(void **state) {
  (void)state;
  load_script("hook", "attach('bot:a')", NULL);
  load_bot("thing('a', 10)");
  assert_calls("open a=10, join a=0, start a=10, ");
  load_bot("thing('a', 110)"); /* it stays bound */
  assert_calls("open a=110, close a=10, start a=110, ");
  load_bot("");
  env_await(&env, "is closed");
  assert_calls("lose bot:a=0, close a=110, ");
  load_bot("thing('a', 12)");
  assert_calls("open a=12, join a=0, start a=12, ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      test(a_new_one_is_opened_and_then_started),
      test(one_that_is_unchanged_is_kept),
      test(one_that_can_changes_in_place),
      test(another_is_opened_before_the_old_one_goes),
      test(or_after_where_they_cannot_be_open_at_once),
      test(one_that_is_not_declared_goes_after_its_grace),
      test(unless_it_is_claimed_before),
      test(a_live_script_declares_at_once),
      test(what_stood_in_the_way_has_another_name_now),
      test(a_name_comes_back_when_the_load_fails),
      test(what_was_opened_beside_is_closed_again),
      test(nothing_is_closed_first_while_anything_may_fail),
      test(one_that_cannot_be_opened_after_it_was_closed_comes_back),
      test(one_that_was_replaced_before_comes_back),
      test(what_is_changed_in_place_was_not_touched),
      test(one_that_cannot_be_prepared_fails_the_load),
      test(what_shows_before_is_checked_before_anything_closes),
      test(one_that_attaches_is_bound_when_it_comes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
