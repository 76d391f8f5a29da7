/* tidelock.log, in a bare state whose generation is made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>

#include "lua/modules.h"
#include "script/parts.h"

typedef struct Fixture {
  char *text;
  size_t len;
  FILE *out;
  Runtime rt;
  Script script;
  Generation gen;
  lua_State *L;
} Fixture;

static int begin(void **state) {
  Fixture *f = xcalloc(1, sizeof *f);
  f->out = open_memstream(&f->text, &f->len);
  f->rt.host.log = log_new(f->out, LOG_INFO, LOG_JSON);
  f->script.owner.name = "bot";
  f->gen = (Generation){.vm = {.host = &f->rt.host, .owner = &f->script.owner}};
  f->L = luaL_newstate();
  *(Generation **)lua_getextraspace(f->L) = &f->gen;
  luaL_openlibs(f->L);
  luaL_requiref(f->L, "tidelock.log", luaopen_tidelock_log, 0);
  lua_setglobal(f->L, "log");
  lua_settop(f->L, 0);
  return *state = f, 0;
}

static int end(void **state) {
  Fixture *f = *state;
  lua_close(f->L);
  log_free(f->rt.host.log);
  fclose(f->out);
  free(f->text);
  free(f);
  return 0;
}

static void run(Fixture *f, const char *code) {
  if (luaL_dostring(f->L, code) != LUA_OK) fail_msg("%s", lua_tostring(f->L, -1));
  lua_settop(f->L, 0);
}

static void assert_logged(Fixture *f, const char *part) {
  if (!strstr(f->text, part)) fail_msg("no %s in %s", part, f->text);
}

static void writes_records(void **state) {
  Fixture *f = *state;
  run(f, "log.info('hello', {n = 1}) log.warn('careful') log.error(42, {})");
  assert_logged(f, "\"level\":\"info\",\"room\":\"bot\",\"message\":\"hello\","
                   "\"fields\":{\"n\":1}}\n");
  assert_logged(f, "\"level\":\"warn\",\"room\":\"bot\",\"message\":\"careful\"}\n");
  assert_logged(f,
                "\"level\":\"error\",\"room\":\"bot\",\"message\":\"42\",\"fields\":{}}");
}

static void keeps_the_level(void **state) {
  Fixture *f = *state;
  run(f, "log.debug(setmetatable({}, {__tostring = function() error 'asked' end}))");
  fflush(f->out);
  assert_int_equal(f->len, 0);
}

static void shows_why_fields_are_missing(void **state) {
  Fixture *f = *state;
  run(f, "log.info('x', {a = {print}})");
  assert_logged(f,
                "\"fields\":{\"a\":\"(not shown: [1]: a function is no JSON value)\"}");
}

static void never_raises(void **state) {
  Fixture *f = *state;
  run(f,
      "log.info() log.info('x', 'y') log.info(setmetatable({}, {__tostring = error}))");
  assert_logged(f, "\"message\":\"nil\"}");
  assert_logged(f, "\"message\":\"x\",\"fields\":{\"fields\":\"y\"}}");
  assert_logged(f, "\"message\":\"(a table that cannot be shown)\"}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(writes_records),
      TEST(keeps_the_level),
      TEST(shows_why_fields_are_missing),
      TEST(never_raises),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
