/* Numbers in queries and headers: as people write them, with all their digits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base.h"
#include "lua/number.h"
#include "lua_env.h"

static void they_have_one_text(void **state) {
  lua_State *L = *state;
  static const struct {
    double number;
    const char *text;
  } cases[] = {{5.0, "5"},     {-0.0, "0"},
               {0.1, "0.1"},   {1e15, "1000000000000000"},
               {-2.5, "-2.5"}, {123456789012345680.0, "123456789012345680"}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    lua_pushnumber(L, cases[i].number);
    assert_true(number_push_text(L, -1));
    assert_string_equal(lua_tostring(L, -1), cases[i].text);
    lua_settop(L, 0);
  }
}

static void integers_keep_all_digits(void **state) {
  lua_State *L = *state;
  lua_pushinteger(L, INT64_MIN);
  assert_true(number_push_text(L, -1));
  assert_string_equal(lua_tostring(L, -1), "-9223372036854775808");
  lua_settop(L, 0);
}

static void what_is_not_finite_has_none(void **state) {
  lua_State *L = *state;
  static const double odd[] = {NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < COUNT_OF(odd); i++) {
    lua_pushnumber(L, odd[i]);
    assert_false(number_push_text(L, -1));
    assert_int_equal(lua_gettop(L), 1);
    lua_settop(L, 0);
  }
}

#define number_test(f) cmocka_unit_test_setup_teardown(f, new_state, close_state)

int main(void) {
  const struct CMUnitTest tests[] = {
      number_test(they_have_one_text),
      number_test(integers_keep_all_digits),
      number_test(what_is_not_finite_has_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
