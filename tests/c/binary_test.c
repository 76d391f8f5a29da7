/* Binary data as scripts send it: its bytes, and what scripts can do with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/binary.h"
#include "lua_env.h"

#define push_bytes(L, text) lua_pushlstring((L), (text), sizeof(text) - 1)

static int f_binary(lua_State *L) {
  binary_push(L, 1);
  return 1;
}

static int open_binary(void **state) {
  new_state(state);
  lua_register((lua_State *)*state, "binary", f_binary);
  return 0;
}

static void its_bytes_are_those_of_the_string(void **state) {
  lua_State *L = *state;
  size_t len = 0;
  push_bytes(L, "a\0b");
  binary_push(L, -1);
  const char *bytes = binary_bytes(L, -1, &len);
  assert_int_equal(len, 3);
  assert_memory_equal(bytes, "a\0b", 3);
  lua_settop(L, 0);
}

static void other_values_are_none(void **state) {
  lua_State *L = *state;
  size_t len;
  lua_pushliteral(L, "text");
  lua_newtable(L);
  lua_pushlightuserdata(L, NULL);
  lua_newuserdatauv(L, 4, 1);
  lua_getglobal(L, "io");
  lua_getfield(L, -1, "stdout");
  for (int i = lua_gettop(L); i > 0; i--) assert_null(binary_bytes(L, i, &len));
  lua_settop(L, 0);
}

static void it_reads_like_a_string(void **state) {
  run(state, "local b = binary('ab\\0')\n"
             "assert(#b == 3 and tostring(b) == 'ab\\0')\n"
             "assert(b .. 'c' == 'ab\\0c' and 1 .. b == '1ab\\0')\n"
             "assert(b == binary('ab\\0') and b ~= binary('ab') and b ~= io.stdout)\n"
             "assert(getmetatable(b) == 'binary')\n"
             "assert(not pcall(function() b.x = 1 end))");
}

#define binary_test(f) cmocka_unit_test_setup_teardown(f, open_binary, close_state)

int main(void) {
  const struct CMUnitTest tests[] = {
      binary_test(its_bytes_are_those_of_the_string),
      binary_test(other_values_are_none),
      binary_test(it_reads_like_a_string),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
