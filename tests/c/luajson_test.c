/* JSON and Lua values, one into the other, and back; and tidelock.json over them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/bridge.h"
#include "lua_env.h"
#include "bridge/binary.h"
#include "bridge/luajson.h"
#include "bridge/view.h"
#include "bridge/luadecode.h"
#include "bridge/luaencode.h"

static int make_binary(lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  binary_push(L, 1);
  return 1;
}

static int new_state_with_binary(void **state) {
  new_state(state);
  lua_pushcfunction(*state, make_binary);
  lua_setglobal(*state, "binary");
  return 0;
}

static void push_value(lua_State *L, const char *expression) {
  char code[4096];
  snprintf(code, sizeof code, "return %s", expression);
  if (luaL_dostring(L, code) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
}

static void assert_encodes(void **state, const char *expression, const char *want) {
  lua_State *L = *state;
  Buffer out = {0};
  Error err = {0};
  push_value(L, expression);
  if (luajson_encode(L, -1, &out, &err) != 0) fail_msg("%s: %s", expression, err.message);
  assert_string_equal(buffer_text(&out), want);
  assert_int_equal(lua_gettop(L), 1);
  lua_settop(L, 0);
  buffer_free(&out);
}

static void assert_refuses(void **state, const char *expression, const char *message) {
  lua_State *L = *state;
  Buffer out = {0};
  Error err = {0};
  buffer_puts(&out, "before");
  push_value(L, expression);
  assert_int_equal(luajson_encode(L, -1, &out, &err), ERR_DECODE);
  assert_string_equal(err.message, message);
  assert_string_equal(buffer_text(&out), "before");
  assert_int_equal(lua_gettop(L), 1);
  lua_settop(L, 0);
  buffer_free(&out);
}

/* Tables that hold one another twice are few, and their text is without end. */
static void refuses_what_would_be_too_large(void **state) {
  lua_State *L = *state;
  Buffer out = {0};
  Error err = {0};
  push_value(L, "(function() local t = ('x'):rep(1 << 20)\n"
                "for i = 1, 60 do t = {t, t} end return t end)()");
  assert_int_equal(luajson_encode(L, -1, &out, &err), ERR_TOO_LARGE);
  assert_int_equal(out.len, 0);
  lua_settop(L, 0);
  buffer_free(&out);
}

/* --- out -------------------------------------------------------------------------- */

static void encodes_values(void **state) {
  assert_encodes(state, "true", "true");
  assert_encodes(state, "false", "false");
  assert_encodes(state, "json.null", "null");
  assert_encodes(state, "42", "42");
  assert_encodes(state, "math.mininteger", "-9223372036854775808");
  assert_encodes(state, "9007199254740993", "9007199254740993");
  assert_encodes(state, "0.1", "0.1");
  assert_encodes(state, "3.0", "3");
  assert_encodes(state, "'a\\0\"é'", "\"a\\u0000\\\"é\"");
  assert_encodes(state, "{}", "{}");
  assert_encodes(state, "json.array{}", "[]");
  assert_encodes(state, "json.array()", "[]");
  assert_encodes(state, "json.object{}", "{}");
  assert_encodes(state, "{1, 'two', {3}, json.null}", "[1,\"two\",[3],null]");
  assert_encodes(state, "{a = {b = {json.null}}}", "{\"a\":{\"b\":[null]}}");
  assert_encodes(state, "json.array{1, 2}", "[1,2]");
  assert_encodes(state, "{[2] = 'b', [1] = 'a'}", "[\"a\",\"b\"]");
  assert_encodes(state, "{[''] = 1}", "{\"\":1}");
}

static void looks_at_tables_raw(void **state) {
  assert_encodes(state,
                 "setmetatable({a = 1}, {__index = {b = 2}, __pairs = error, __len = "
                 "error})",
                 "{\"a\":1}");
}

static void refuses_with_the_way(void **state) {
  assert_refuses(state, "{payload = {items = {1, 2, {name = print}}}}",
                 "payload.items[3].name: a function is no JSON value");
  assert_refuses(state, "print", "the value: a function is no JSON value");
  assert_refuses(state, "nil", "the value: nil is no JSON value; json.null is");
  assert_refuses(state, "{io.stdout}", "[1]: userdata is no JSON value");
  assert_refuses(state, "{a = coroutine.create(print)}",
                 "a: a coroutine is no JSON value");
  assert_refuses(state, "{a = {0 / 0}}", "a[1]: NaN and infinity are no JSON numbers");
  assert_refuses(state, "-math.huge", "the value: NaN and infinity are no JSON numbers");
  assert_refuses(state, "{['odd key'] = {['x\\n'] = '\\xff'}}",
                 "[\"odd key\"][\"x?\"]: a string that is not UTF-8");
  assert_refuses(state, "{a = {['\\xff'] = 1}}", "a[\"?\"]: a key that is not UTF-8");
  assert_refuses(state, "{{1, nil, 3}}",
                 "[1][2]: a hole in an array; json.null can fill it");
  assert_refuses(state, "{[3] = 1}", "[1]: a hole in an array; json.null can fill it");
  assert_refuses(state, "{[0] = 1}", "[1]: a hole in an array; json.null can fill it");
  assert_refuses(state, "{1, 2, x = 3}", "x: a string key in an array");
  assert_refuses(state, "{a = json.array{x = 3}}", "a.x: a string key in an array");
  assert_refuses(state, "{a = json.object{7}}", "a[1]: an array item in an object");
  assert_refuses(state, "{a = {[true] = 1}}",
                 "a: a key that is neither a string nor an array's index");
  assert_refuses(state, "{a = {[1.5] = 1}}",
                 "a: a key that is neither a string nor an array's index");
}

static void refuses_cycles_and_depth(void **state) {
  assert_refuses(state, "(function() local t = {a = {}} t.a.b = {t} return t end)()",
                 "a.b[1]: a table that contains itself");
  assert_encodes(state, "(function() local t = {1} return {t, t} end)()", "[[1],[1]]");
  run(state, "function nest(n) local t = {} for _ = 2, n do t = {t} end return t end\n"
             "assert(#json.encode(nest(512)) == 1024)\n"
             "local text, err = json.encode(nest(513))\n"
             "assert(text == nil and err.message:match('nested too deeply'))\n"
             "assert(err.message:sub(1, 3) == '...')");
}

/* --- in --------------------------------------------------------------------------- */

static void assert_same(void **state, const char *text) {
  lua_State *L = *state;
  Error err;
  Buffer out = {0};
  if (luajson_decode(L, text, strlen(text), &err)) fail_msg("%s", err.message);
  assert_int_equal(luajson_encode(L, -1, &out, &err), 0);
  assert_string_equal(buffer_text(&out), text);
  lua_settop(L, 0);
  buffer_free(&out);
}

static void comes_back_the_same(void **state) {
  static const char *const texts[] = {"{}",
                                      "[]",
                                      "null",
                                      "true",
                                      "-1.5",
                                      "\"\"",
                                      "[{},[],null,{\"a\":[]}]",
                                      "{\"a\":{}}",
                                      "[9007199254740992,-9007199254740992,0.1,-0]",
                                      "\"a\\u0000b\"",
                                      "{\"k\\u0000\":1}",
                                      "[[[[[[]]]]]]",
                                      "\"\xF0\x9F\x98\xB9\"",
                                      "1e+300"};
  for (size_t i = 0; i < COUNT_OF(texts); i++) assert_same(state, texts[i]);
}

static void decodes_values(void **state) {
  run(state, "local v = json.decode('{\"i\":1.0,\"f\":1.5,\"n\":null,\"a\":[null,2]}')\n"
             "assert(math.type(v.i) == 'integer' and v.i == 1 and v.f == 1.5)\n"
             "assert(v.n == nil and v.a[1] == json.null and v.a[2] == 2 and #v.a == 2)\n"
             "assert(json.decode('null') == json.null)\n"
             "assert(math.type(json.decode('9007199254740994')) == 'float')\n"
             "local d = json.decode('{\"a\":1,\"b\":2,\"a\":null,\"b\":3}')\n"
             "assert(d.a == nil and d.b == 3)\n"
             "assert(json.decode('\"\\\\ud800\"') == '\\u{FFFD}')\n"
             "assert(json.encode(json.decode('{\"a\":null}')) == '{}')");
}

static void marks_are_sealed(void **state) {
  run(state,
      "local a, o = json.decode('[1]'), json.decode('{}')\n"
      "assert(getmetatable(a) == 'json.array' and getmetatable(o) == 'json.object')\n"
      "assert(getmetatable(json.decode('{\"a\":1}')) == nil)\n"
      "assert(not pcall(setmetatable, a, {}))\n"
      "o.x = 1 assert(json.encode(o) == '{\"x\":1}')\n"
      "assert(json.is_array(a) and json.is_array{1} and json.is_array(json.array()))\n"
      "assert(not json.is_array(o) and not json.is_array{} and not json.is_array(1))\n"
      "assert(json.is_array(json.array(json.object())))\n"
      "assert(not pcall(json.array, setmetatable({}, {})))\n"
      "assert(not pcall(json.object, 1))");
}

/* --- the module ------------------------------------------------------------------- */

static void module_answers_errors(void **state) {
  run(state, "local v, err = json.decode('[1')\n"
             "assert(v == nil and err.code == 'DECODE' and not err.recoverable)\n"
             "assert(tostring(err):match('^DECODE: not JSON at byte 2: the text ends too "
             "early'))\n"
             "local t, e = json.encode{a = print}\n"
             "assert(t == nil and e.message == 'a: a function is no JSON value')\n"
             "assert(not pcall(json.decode, 12) and not pcall(json.decode))\n"
             "assert(not pcall(json.encode) and not pcall(json.encode, 1, 2))");
}

static void module_lays_out(void **state) {
  run(state, "assert(json.encode({1, {a = 2}}, {pretty = true}) ==\n"
             "  '[\\n  1,\\n  {\\n    \"a\": 2\\n  }\\n]')\n"
             "assert(json.encode({}, {pretty = true}) == '{}')\n"
             "assert(json.encode({}, {pretty = false}) == '{}')");
}

/* An allocator that fails at the nth call: pushing raises, nothing leaks (the sanitizer
 * looks), and the state goes on. */
typedef struct Failing {
  long left;
} Failing;

static void *failing_alloc(void *ud, void *p, size_t old, size_t size) {
  Failing *failing = ud;
  (void)old;
  if (size == 0) return free(p), NULL;
  if ((!p || size > old) && failing->left > 0 && --failing->left == 0) return NULL;
  return realloc(p, size);
}

/* --- binary data ------------------------------------------------------------------ */

static void binary_is_a_value(void **state) {
  run(state, "local b = binary('a\\0b')\n"
             "assert(#b == 3 and tostring(b) == 'a\\0b' and #binary('') == 0)\n"
             "assert(b == binary('a\\0b') and b ~= binary('x') and b ~= 'a\\0b')\n"
             "assert(b ~= io.stdout and getmetatable(b) == 'binary')\n"
             "assert(not pcall(function() b.x = 1 end))\n"
             "assert(not pcall(binary, 1) and not pcall(binary))\n"
             "assert(not pcall(setmetatable, b, {}))");
}

static void binary_becomes_attachments(void **state) {
  lua_State *L = *state;
  Buffer out = {0};
  LuaBinaries binaries = {0};
  Error err;
  push_value(L, "{{binary('one')}, 2, {x = {binary('')}}, binary('\\255')}");
  assert_int_equal(luajson_encode_binaries(L, -1, &out, &binaries, &err), 0);
  assert_string_equal(buffer_text(&out),
                      "[[{\"_placeholder\":true,\"num\":0}],2,{\"x\":[{\"_placeholder\":"
                      "true,\"num\":1}]},{\"_placeholder\":true,\"num\":2}]");
  assert_int_equal(binaries.count, 3);
  assert_int_equal(binaries.items[0].len, 3);
  assert_memory_equal(binaries.items[0].data, "one", 3);
  assert_int_equal(binaries.items[1].len, 0);
  assert_memory_equal(binaries.items[2].data, "\xff", 1);
  assert_int_equal(sio_check_placeholders(out.data, out.len, 3, &err), 0);
  assert_int_equal(luajson_decode_binaries(L, out.data, out.len, binaries.items, 3, &err),
                   0);
  lua_setglobal(L, "back");
  lua_settop(L, 0);
  run(state, "assert(back[1][1] == 'one' and back[3].x[1] == '' and back[4] == '\\255')");
  buffer_free(&out);
}

static void binary_that_fails_leaves_no_trace(void **state) {
  lua_State *L = *state;
  Buffer out = {0};
  LuaBinaries binaries = {0};
  Error err;
  push_value(L, "{binary('a'), print}");
  assert_int_equal(luajson_encode_binaries(L, -1, &out, &binaries, &err), ERR_DECODE);
  assert_int_equal(binaries.count, 0);
  assert_int_equal(out.len, 0);
  lua_settop(L, 0);
  push_value(L, "(function() local t = {} for i = 1, 11 do t[i] = binary('') end\n"
                "return {a = t} end)()");
  assert_int_equal(luajson_encode_binaries(L, -1, &out, &binaries, &err), ERR_DECODE);
  assert_string_equal(
      err.message, "a[11]: more than 10 binary values: the server would not take them");
  assert_int_equal(binaries.count, 0);
  lua_settop(L, 0);
  buffer_free(&out);
}

static void plain_json_has_no_binary(void **state) {
  assert_refuses(state, "{a = {binary('x')}}", "a[1]: binary data is no JSON value");
}

static void wrong_attachments_push_nothing(void **state) {
  lua_State *L = *state;
  Error err;
  static const char text[] = "[{\"_placeholder\":true,\"num\":1}]";
  SioBytes part = {"x", 1};
  assert_int_equal(luajson_decode_binaries(L, text, sizeof text - 1, &part, 1, &err),
                   ERR_PROTOCOL);
  assert_int_equal(lua_gettop(L), 0);
}

/* A view beside binary data. */
static void views_go_out_as_they_are(void **state) {
  lua_State *L = *state;
  static const char text[] = "{\"a\":[1,\"x\",{\"b\":true}]}";
  ValueAccount *account = value_account_new(0);
  JsonArena *arena = json_arena_new(NULL);
  Buffer out = {0};
  LuaBinaries binaries = {0};
  Error err;
  Value v;
  const cJSON *root = json_parse(arena, text, sizeof text - 1, &err);
  assert_int_equal(value_from_json(account, arena, root, &v, &err), 0);
  push_value(L, "{binary('y')}");
  view_push(L, v);
  lua_rawseti(L, -2, 2);
  assert_int_equal(luajson_encode_binaries(L, -1, &out, &binaries, &err), 0);
  assert_string_equal(buffer_text(&out), "[{\"_placeholder\":true,\"num\":0},"
                                         "{\"a\":[1,\"x\",{\"b\":true}]}]");
  lua_settop(L, 0);
  lua_gc(L, LUA_GCCOLLECT);
  buffer_free(&out);
  json_arena_free(arena);
  value_release(v);
  value_account_close(account);
}

static const char everything[] =
    "{\"list\":[1,2,{\"a\":\"b\"},[]],\"o\":{},\"s\":\"\\u0000\"}";

static int both_ways(lua_State *L) {
  Error err;
  if (luajson_decode(L, everything, sizeof everything - 1, &err))
    fail_msg("%s", err.message);
  Buffer *out = luajson_scratch(L);
  if (luajson_encode(L, -1, out, &err) == ERR_MEMORY) return luaL_error(L, "memory");
  lua_pushlstring(L, out->data, out->len);
  return 1;
}

static void survives_lack_of_memory(void **state) {
  (void)state;
  int succeeded = 0;
  for (long n = 1; n < 200 && !succeeded; n++) {
    Failing failing = {0};
    lua_State *L = lua_newstate(failing_alloc, &failing);
    Bridge bridge;
    if (L) bridge_open(&bridge, L);
    lua_pushcfunction(L, both_ways);
    lua_gc(L, LUA_GCSTOP);
    failing.left = n;
    if (lua_pcall(L, 0, 1, 0) == LUA_OK && failing.left > 0) succeeded = 1;
    failing.left = 0;
    lua_settop(L, 0);
    lua_pushcfunction(L, both_ways);
    assert_int_equal(lua_pcall(L, 0, 1, 0), LUA_OK);
    assert_int_equal(lua_rawlen(L, -1), sizeof everything - 1);
    lua_close(L);
  }
  assert_true(succeeded);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(encodes_values),
      cmocka_unit_test(looks_at_tables_raw),
      cmocka_unit_test(refuses_what_would_be_too_large),
      cmocka_unit_test(refuses_with_the_way),
      cmocka_unit_test(refuses_cycles_and_depth),
      cmocka_unit_test(comes_back_the_same),
      cmocka_unit_test(decodes_values),
      cmocka_unit_test(marks_are_sealed),
      cmocka_unit_test(module_answers_errors),
      cmocka_unit_test(module_lays_out),
      cmocka_unit_test(binary_is_a_value),
      cmocka_unit_test(binary_becomes_attachments),
      cmocka_unit_test(binary_that_fails_leaves_no_trace),
      cmocka_unit_test(plain_json_has_no_binary),
      cmocka_unit_test(wrong_attachments_push_nothing),
      cmocka_unit_test(views_go_out_as_they_are),
      cmocka_unit_test(survives_lack_of_memory),
  };
  return cmocka_run_group_tests(tests, new_state_with_binary, close_state);
}
