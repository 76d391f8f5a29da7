/* Packed values that come from a disk: what pack_check lets through can be unpacked,
 * whatever has happened to the bytes; what was packed always passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lauxlib.h>
#include <lualib.h>

#include "bridge/bridge.h"
#include "bridge/pack.h"

static lua_State *L;

static int open_state(void **state) {
  (void)state;
  static Bridge bridge;
  L = luaL_newstate();
  bridge_open(&bridge, L);
  luaL_openlibs(L);
  return 0;
}

static int close_state(void **state) {
  (void)state;
  lua_close(L);
  return 0;
}

/* The value that the chunk returns, packed. */
static Buffer packed(const char *chunk) {
  Buffer out = {0};
  Error err;
  if (luaL_dostring(L, chunk) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  if (pack_value(L, -1, &out, &err) != 0) fail_msg("%s", err.message);
  lua_settop(L, 0);
  return out;
}

static const char many[] =
    "local t = {1, 2.5, 'text', true, false, {}, {{{x = 'y'}}}, [1.5] = 'f', [true] = "
    "1}\n"
    "for i = 1, 40 do t['key' .. i] = {i, tostring(i), {n = i / 3}} end\n"
    "return t";

static void what_was_packed_passes(void **state) {
  (void)state;
  static const char *const chunks[] = {"return nil", "return true", "return 1",
                                       "return 0.5", "return ''",   "return {}",
                                       many};
  for (size_t i = 0; i < COUNT_OF(chunks); i++) {
    Buffer bytes = packed(chunks[i]);
    assert_true(pack_check(bytes.data, bytes.len));
    for (size_t len = 0; len < bytes.len; len++)
      assert_false(pack_check(bytes.data, len));
    buffer_putc(&bytes, 'n');
    assert_false(pack_check(bytes.data, bytes.len));
    buffer_free(&bytes);
  }
}

static int f_unpack(lua_State *co) {
  const char *at = lua_touserdata(co, 1);
  unpack_value(co, &at);
  return 0;
}

/* Each copy lies in memory of exactly its size: the sanitizer sees a step beyond it. */
static void what_passes_can_be_unpacked(void **state) {
  (void)state;
  static const char tags[] = "nTF0idstaoe";
  Buffer bytes = packed(many);
  unsigned seed = 1;
  int passed = 0;
  for (int i = 0; i < 50000; i++) {
    char *copy = xmalloc(bytes.len);
    memcpy(copy, bytes.data, bytes.len);
    for (int n = 1 + i % 3; n > 0; n--) {
      size_t at = (size_t)rand_r(&seed) % bytes.len;
      copy[at] = rand_r(&seed) % 2 ? (char)rand_r(&seed)
                                   : tags[(size_t)rand_r(&seed) % (sizeof tags - 1)];
    }
    if (pack_check(copy, bytes.len)) {
      lua_pushcfunction(L, f_unpack);
      lua_pushlightuserdata(L, copy);
      if (lua_pcall(L, 1, 0, 0) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
      passed++;
    }
    free(copy);
  }
  assert_true(passed > 1000);
  buffer_free(&bytes);
}

static void what_cannot_be_a_value_is_refused(void **state) {
  (void)state;
  char deep[1000], nan_key[12] = "td", nil_key[] = "tnne", table_key[] = "ttene";
  double nan = strtod("nan", NULL);
  memset(deep, 't', sizeof deep);
  memcpy(nan_key + 2, &nan, sizeof nan);
  memcpy(nan_key + 10, "Te", 2);
  assert_false(pack_check(deep, sizeof deep));
  assert_false(pack_check(nan_key, sizeof nan_key));
  assert_false(pack_check(nil_key, strlen(nil_key)));
  assert_false(pack_check(table_key, strlen(table_key)));
  assert_false(pack_check("x", 1));
  assert_false(pack_check("", 0));
}

/* It stops where the limit is, not after all has been packed. */
static void a_limit_is_a_limit(void **state) {
  (void)state;
  Buffer out = {0};
  Error err;
  assert_int_equal(
      luaL_dostring(L, "local t = {} for i = 1, 100000 do t[i] = i end return t"),
      LUA_OK);
  assert_int_equal(pack_bounded(L, -1, &out, 1000, &err), ERR_TOO_LARGE);
  assert_int_equal(out.len, 0);
  assert_true(out.cap < 10000);
  lua_pushstring(L, many);
  assert_int_equal(pack_bounded(L, -1, &out, 100, &err), ERR_TOO_LARGE);
  assert_int_equal(pack_bounded(L, -1, &out, 1000, &err), 0);
  buffer_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_was_packed_passes, open_state, close_state),
      cmocka_unit_test_setup_teardown(what_passes_can_be_unpacked, open_state,
                                      close_state),
      cmocka_unit_test_setup_teardown(what_cannot_be_a_value_is_refused, open_state,
                                      close_state),
      cmocka_unit_test_setup_teardown(a_limit_is_a_limit, open_state, close_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
