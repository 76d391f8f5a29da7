/* What stock Lua has and scripts do not: a call of it raises, and says what there is
 * instead; nothing else is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base.h"
#include "lua_env.h"
#include "vm/reach.h"

static int open_reach(void **state) {
  new_state(state);
  reach_open(*state);
  lua_settop(*state, 0);
  return 0;
}

static void assert_raises(lua_State *L, const char *code, const char *words) {
  int rc = luaL_dostring(L, code);
  if (rc == LUA_OK) fail_msg("%s raises nothing", code);
  if (!strstr(lua_tostring(L, -1), words)) fail_msg("%s: %s", code, lua_tostring(L, -1));
  lua_settop(L, 0);
}

static void a_call_says_why_and_what_instead(void **state) {
  lua_State *L = *state;
  assert_raises(L, "io.open('x')", "files are out of a script's reach");
  assert_raises(L, "os.remove('x')", "tidelock.store");
  assert_raises(L, "io.read()", "tidelock.input");
  assert_raises(L, "io.popen('ls')", "other programs");
  assert_raises(L, "os.execute()", "other programs");
  assert_raises(L, "os.exit()", "script.exit");
  assert_raises(L, "debug.sethook()", "debug.traceback is there");
  assert_raises(L, "string.dump(print)", "bytecode");
  assert_raises(L, "dofile('x')", "require");
  assert_raises(L, "loadfile('x')", "load with a text");
  assert_raises(L, "warn('x')", "tidelock.log");
  assert_raises(L, "return package.path", "require finds modules");
  assert_raises(L, "package.path = 'x'", "require finds modules");
}

static void the_reason_can_be_asked_for(void **state) {
  (void)state;
  assert_non_null(strstr(reach_why("io", "open"), "files"));
  assert_non_null(strstr(reach_why("", "dofile"), "files"));
  assert_non_null(reach_why("debug", "upvaluejoin"));
  assert_null(reach_why("string", "format"));
  assert_null(reach_why("io", "ope"));
  assert_null(reach_why("io", "opens"));
  assert_null(reach_why("", "open"));
  assert_null(reach_why("", "print"));
}

static void the_rest_is_as_it_was(void **state) {
  run(state,
      "assert(os.time() > 0 and string.format('%d', 1) == '1' and tostring(1) == '1')");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_call_says_why_and_what_instead, open_reach,
                                      close_state),
      cmocka_unit_test(the_reason_can_be_asked_for),
      cmocka_unit_test_setup_teardown(the_rest_is_as_it_was, open_reach, close_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
