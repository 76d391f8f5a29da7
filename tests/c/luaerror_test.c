/* Error values between C and Lua; tidelock.errors and tidelock.env. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>

#include "bridge/bridge.h"
#include "lua/modules.h"
#include "bridge/luaerror.h"

static int new_state(void **state) {
  static Bridge bridge;
  lua_State *L = luaL_newstate();
  bridge_open(&bridge, L);
  luaL_openlibs(L);
  luaL_requiref(L, "tidelock.errors", luaopen_tidelock_errors, 0);
  lua_setglobal(L, "errors");
  luaL_requiref(L, "tidelock.env", luaopen_tidelock_env, 0);
  lua_setglobal(L, "env");
  return *state = L, 0;
}

static int close_state(void **state) {
  assert_int_equal(lua_gettop(*state), 0);
  lua_close(*state);
  return 0;
}

static void run(void **state, const char *code) {
  lua_State *L = *state;
  if (luaL_dostring(L, code) != LUA_OK) fail_msg("%s", luaL_tolstring(L, -1, NULL));
  lua_settop(L, 0);
}

static Error a_timeout(void) {
  Error err;
  error_set(&err, ERR_TIMEOUT, "no answer in 5 s from http://127.0.0.1:1/");
  err.phase = "connect";
  err.sent = SENT_NO;
  err.retry_after = 2.5;
  return err;
}

static void reads_well(void **state) {
  lua_State *L = *state;
  Error err = a_timeout();
  luaerror_push(L, &err);
  assert_string_equal(
      luaL_tolstring(L, -1, NULL),
      "TIMEOUT: no answer in 5 s from http://127.0.0.1:1/ (phase: connect)");
  lua_settop(L, 0);
  error_detail(&err, "Connection %s", "refused");
  luaerror_push(L, &err);
  assert_non_null(strstr(luaL_tolstring(L, -1, NULL),
                         " (phase: connect, detail: Connection refused)"));
  lua_settop(L, 0);
  error_set(&err, ERR_TLS, "no secure connection: wrong version");
  err.phase = "tls";
  error_detail(&err, "wrong version"); /* said once */
  luaerror_push(L, &err);
  assert_string_equal(luaL_tolstring(L, -1, NULL),
                      "TLS: no secure connection: wrong version (phase: tls)");
  lua_settop(L, 0);
  error_set(&err, ERR_CLOSED, "gone");
  luaerror_push(L, &err);
  assert_string_equal(luaL_tolstring(L, -1, NULL), "CLOSED: gone");
  lua_settop(L, 0);
}

static void has_the_fields(void **state) {
  lua_State *L = *state;
  Error err = a_timeout();
  double before = (double)time(NULL) - 1;
  luaerror_push(L, &err);
  lua_setglobal(L, "err");
  lua_pushnumber(L, before);
  lua_setglobal(L, "before");
  run(state, "assert(err.code == 'TIMEOUT' and err.severity == 'medium')\n"
             "assert(err.recoverable == true and err.retry_after == 2.5)\n"
             "assert(err.phase == 'connect' and err.sent == 'no' and err.detail == nil)\n"
             "assert(err.time > before and err.time < before + 60)\n"
             "assert(getmetatable(err) == 'error' and errors.is(err, 'TIMEOUT'))");
  error_set(&err, ERR_INVALID, "x");
  luaerror_push(L, &err);
  lua_setglobal(L, "err");
  run(state, "assert(err.recoverable == false and err.retry_after == nil)\n"
             "assert(err.phase == nil and err.sent == nil and err.cause == nil)");
}

static int f_return(lua_State *L) {
  Error err = a_timeout();
  return luaerror_return(L, &err);
}

static int f_raise(lua_State *L) {
  Error err = a_timeout();
  return luaerror_raise(L, &err);
}

static void returns_and_raises(void **state) {
  lua_register(*state, "f_return", f_return);
  lua_register(*state, "f_raise", f_raise);
  run(state, "local v, err, more = f_return()\n"
             "assert(v == nil and err.code == 'TIMEOUT' and more == nil)\n"
             "local ok, raised = pcall(f_raise)\n"
             "assert(not ok and errors.is(raised, 'TIMEOUT'))");
}

static void comes_back(void **state) {
  lua_State *L = *state;
  Error err = a_timeout(), back;
  error_detail(&err, "words");
  luaerror_push(L, &err);
  assert_true(luaerror_read(L, -1, &back));
  assert_int_equal(lua_gettop(L), 1);
  assert_int_equal(back.code, ERR_TIMEOUT);
  assert_string_equal(back.message, err.message);
  assert_string_equal(back.detail, "words");
  assert_string_equal(back.phase, "connect");
  assert_int_equal(back.sent, SENT_NO);
  assert_true(back.retry_after == 2.5);
  lua_settop(L, 0);
}

static void reads_other_values(void **state) {
  lua_State *L = *state;
  Error back;
  lua_pushliteral(L, "main.lua:3: oops");
  assert_true(luaerror_read(L, -1, &back));
  assert_int_equal(back.code, ERR_SCRIPT);
  assert_string_equal(back.message, "main.lua:3: oops");
  lua_newtable(L);
  assert_false(luaerror_read(L, -1, &back));
  assert_int_equal(back.code, ERR_SCRIPT);
  assert_string_equal(back.message, "an error that is a table value");
  assert_false(luaerror_read(L, 9, &back));
  lua_settop(L, 0);
  assert_int_equal(
      luaL_dostring(L,
                    "local e = errors.new{code = 'MY_OWN', message = 'so'}\n"
                    "e.phase, e.sent, e.retry_after, e.detail = 'odd', 'maybe', 'x', {}\n"
                    "return e"),
      LUA_OK);
  assert_true(luaerror_read(L, -1, &back));
  assert_string_equal(back.message, "MY_OWN: so");
  assert_null(back.phase);
  assert_int_equal(back.sent, SENT_NOT_APPLICABLE);
  lua_settop(L, 0);
}

static void long_words_are_cut(void **state) {
  lua_State *L = *state;
  Error back;
  run(state, "long = ('x'):rep(1000)");
  lua_getglobal(L, "long");
  assert_true(luaerror_read(L, -1, &back));
  assert_int_equal(strlen(back.message), sizeof back.message - 1);
  lua_settop(L, 0);
}

/* --- tidelock.errors -------------------------------------------------------------- */

static void makes_new_ones(void **state) {
  run(state,
      "local given = {code = 'TIMEOUT', message = 'late', data = {1}}\n"
      "local e = errors.new(given)\n"
      "assert(e ~= given and e.recoverable and e.severity == 'medium' and e.data[1] == "
      "1)\n"
      "assert(tostring(e) == 'TIMEOUT: late' and e.time > 0)\n"
      "local own = errors.new{code = 'NOT_TODAY', severity = 'low', recoverable = true}\n"
      "assert(own.severity == 'low' and own.recoverable and own.message == 'NOT_TODAY')\n"
      "assert(errors.new{code = 'X'}.severity == 'medium')\n"
      "assert(errors.new{code = 'DNS'}.message == errors.codes.DNS.meaning)");
}

static void refuses_misuse(void **state) {
  run(state, "local function raises(text, f, ...)\n"
             "  local ok, err = pcall(f, ...)\n"
             "  assert(not ok and err:find(text, 1, true), err)\n"
             "end\n"
             "raises('the code is missing', errors.new, {})\n"
             "raises(\"no field 'mesage'\", errors.new, {code = 'X', mesage = ''})\n"
             "raises(\"'message' must be a string, not a table\", errors.new,\n"
             "       {code = 'X', message = {}})\n"
             "raises('is no error code', errors.new, {code = 'lower'})\n"
             "raises('is no error code', errors.new, {code = ''})\n"
             "raises('is no severity', errors.new, {code = 'X', severity = 'bad'})\n"
             "raises('a key that is a number', errors.new, {1})\n"
             "raises('table expected', errors.new)\n"
             "raises('an error or a string', errors.wrap, nil, 'X')\n"
             "raises('string expected', errors.wrap, 'x')\n"
             "raises('is no error code', errors.wrap, 'x', 'x')");
}

static void wraps(void **state) {
  run(state,
      "local cause = errors.new{code = 'TIMEOUT', message = 'late', phase = 'dns'}\n"
      "local e = errors.wrap(cause, 'SAVE_FAILED', 'not saved')\n"
      "assert(e.cause == cause and errors.is(e, 'SAVE_FAILED') and not errors.is(e, "
      "'X'))\n"
      "assert(tostring(e) == 'SAVE_FAILED: not saved <- TIMEOUT: late (phase: dns)')\n"
      "local s = errors.wrap('boom', 'SCRIPT')\n"
      "assert(s.cause == 'boom' and tostring(s):match('<%- boom$'))\n"
      "assert(s.message == errors.codes.SCRIPT.meaning)\n"
      "cause.cause = cause\n"
      "assert(#tostring(e) < 1000)\n"
      "cause.message = 7 cause.code = nil assert(tostring(cause):match('^ERROR: '))");
}

static void tells_errors(void **state) {
  run(state, "assert(not errors.is('x') and not errors.is(nil) and not errors.is({}))\n"
             "assert(not errors.is({code = 'DNS'}, 'DNS'))\n"
             "assert(errors.is(errors.new{code = 'DNS'}))\n"
             "assert(not pcall(errors.is) and not pcall(errors.is, {}, 1))");
}

static void lists_the_codes(void **state) {
  lua_State *L = *state;
  lua_getglobal(L, "errors");
  lua_getfield(L, -1, "codes");
  for (ErrorCode code = 1; code < ERR_COUNT; code++) {
    assert_int_equal(lua_getfield(L, 2, error_name(code)), LUA_TTABLE);
    lua_getfield(L, -1, "meaning");
    assert_string_equal(lua_tostring(L, -1), error_meaning(code));
    lua_settop(L, 2);
  }
  lua_settop(L, 0);
}

static void reads_the_environment(void **state) {
  setenv("TIDELOCK_TEST_SET", "here", 1);
  unsetenv("TIDELOCK_TEST_UNSET");
  run(state, "assert(env.get('TIDELOCK_TEST_SET', 'x') == 'here')\n"
             "assert(env.get('TIDELOCK_TEST_UNSET', 'x') == 'x')\n"
             "assert(env.get('TIDELOCK_TEST_UNSET') == nil and not pcall(env.get))");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_well),
      cmocka_unit_test(has_the_fields),
      cmocka_unit_test(returns_and_raises),
      cmocka_unit_test(comes_back),
      cmocka_unit_test(reads_other_values),
      cmocka_unit_test(long_words_are_cut),
      cmocka_unit_test(makes_new_ones),
      cmocka_unit_test(refuses_misuse),
      cmocka_unit_test(wraps),
      cmocka_unit_test(tells_errors),
      cmocka_unit_test(lists_the_codes),
      cmocka_unit_test(reads_the_environment),
  };
  return cmocka_run_group_tests(tests, new_state, close_state);
}
