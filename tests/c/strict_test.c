/* Strict tables: an unknown name raises, with the one that was meant; known names, and
 * tables with a metatable of their own, are as before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/strict.h"
#include "lua_env.h"

static int f_strict(lua_State *L) {
  lua_settop(L, 1);
  strict_make(L, "the module", "function");
  return 1;
}

static int open_strict(void **state) {
  new_state(state);
  lua_register((lua_State *)*state, "strict", f_strict);
  return 0;
}

static void an_unknown_name_raises(void **state) {
  run(state,
      "local t = strict{connect = 1}\n"
      "assert(t.connect == 1 and rawget(t, 'conect') == nil and t[1] == nil)\n"
      "local ok, err = pcall(function() return t.conect end)\n"
      "assert(err:find(\":3: the module has no function 'conect'\", 1, true), err)\n"
      "assert(err:find('connect\"?', 1, true), err)\n"
      "ok, err = pcall(function() return t.zzzzzzzz end)\n"
      "assert(not ok and not err:find('did you mean', 1, true), err)");
}

static void others_stay_as_they_are(void **state) {
  run(state, "local t = setmetatable({}, {__index = function() return 7 end})\n"
             "assert(strict(t).any == 7 and strict('text') == 'text')");
}

#define strict_test(f) cmocka_unit_test_setup_teardown(f, open_strict, close_state)

int main(void) {
  const struct CMUnitTest tests[] = {
      strict_test(an_unknown_name_raises),
      strict_test(others_stay_as_they_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
