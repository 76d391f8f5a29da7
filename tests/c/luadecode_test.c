/* JSON text to Lua values: read as the tree reads it, whatever the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lua_env.h"
#include "lua_tree.h"
#include "bridge/luajson.h"
#include "proto/socketio_check.h"
#include "bridge/luadecode.h"
#include "bridge/luaslices.h"

static const char same_lua[] =
    "function same(a, b)\n"
    "  if math.type(a) ~= math.type(b) or getmetatable(a) ~= getmetatable(b) then\n"
    "    return false\n"
    "  end\n"
    "  if type(a) ~= 'table' or type(b) ~= 'table' then return rawequal(a, b) end\n"
    "  for k, v in pairs(a) do if not same(v, b[k]) then return false end end\n"
    "  for k in pairs(b) do if a[k] == nil then return false end end\n"
    "  return #a == #b\n"
    "end\n";

static bool same(lua_State *L) { /* the two values on top, which go */
  lua_getglobal(L, "same");
  lua_insert(L, -3);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  bool yes = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return yes;
}

/* The text lies at the end of its memory, so that reading past it is seen. */
static void assert_agree(lua_State *L, JsonArena *arena, const char *bytes, size_t len) {
  Error by_tree = {0}, by_text = {0};
  char *text = malloc(len ? len : 1);
  memcpy(text, bytes, len);
  const cJSON *root = json_parse(arena, text, len, &by_tree);
  if (root) push_tree(L, arena, root);
  int code = luajson_decode(L, text, len, &by_text);
  if (root && code == 0) {
    if (!same(L)) fail_msg("%.*s is read in two ways", (int)len, text);
  } else {
    assert_int_equal(code, by_tree.code);
    assert_string_equal(by_text.message, by_tree.message);
  }
  assert_int_equal(lua_gettop(L), 0);
  free(text);
}

static const char *const agreed[] = {
    "{\"list\":[1,2,{\"a\":\"b\"},[]],\"o\":{},\"s\":\"\\u0000\",\"t\":[true,false,null]"
    "}",
    "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,[18],{\"n\":19},null,21]",
    " {\"a\" : 1 , \"a\":null,\"b\":\"\\ud83d\\ude39\\ud800x\",\"a name of 17 "
    "byte\":-0.0} ",
    "{\"eight by\":1,\"\":2,\"sixteen bytes "
    "ok\":3,\"\\n\":[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]}",
    "[1e2,1.5e-3,123456789012345678901234567890,9007199254740993,-1,0,0.1e+1]",
    "\xEF\xBB\xBF[\"\xC3\xA4\",\"\xF0\x9F\x98\xB9 and some more of it\"]"};

/* Whole, cut at every byte, and with each byte replaced by several. */
static void reads_what_the_tree_reads(void **state) {
  lua_State *L = *state;
  static const char others[] = "\"\\{}[],:0e-n \x01\xFF";
  JsonArena *arena = json_arena_new(NULL);
  run(state, same_lua);
  for (size_t i = 0; i < COUNT_OF(agreed); i++) {
    size_t len = strlen(agreed[i]);
    char *text = xstrndup(agreed[i], len);
    for (size_t n = 0; n <= len; n++) assert_agree(L, arena, text, n);
    for (size_t at = 0; at < len; at++) {
      for (size_t k = 0; k < sizeof others - 1; k++) {
        text[at] = others[k];
        assert_agree(L, arena, text, len);
      }
      text[at] = agreed[i][at];
    }
    free(text);
  }
  json_arena_free(arena);
}

/* Whatever objects that began with the same name held before. */
static void objects_of_any_size(void **state) {
  run(state, "for _, n in ipairs{1, 100, 3, 64, 65, 1, 1000} do\n"
             "  local parts = {}\n"
             "  for i = 1, n do parts[i] = ('\"k%d\":%d'):format(i, i) end\n"
             "  local t = json.decode('{' .. table.concat(parts, ',') .. '}')\n"
             "  local count = 0\n"
             "  for k, v in pairs(t) do count = count + 1 assert(k == 'k' .. v) end\n"
             "  assert(count == n)\n"
             "end\n"
             "for n = 0, 100 do\n"
             "  local t = json.decode('[' .. ('7,'):rep(n) .. '8]')\n"
             "  assert(#t == n + 1 and t[n + 1] == 8 and (n == 0 or t[n] == 7))\n"
             "end");
}

static int read_list(lua_State *L, const char *text, size_t len, int skip, Error *err) {
  return luajson_decode_list(L, &(LuaJsonList){text, len, skip, NULL, 0, false}, err);
}

static void lists_are_pushed_without_their_table(void **state) {
  lua_State *L = *state;
  Error err;
  static const char text[] = "[\"name\",1,{\"a\":[2]},null]";
  lua_pushinteger(L, 42); /* stays where it is */
  assert_int_equal(read_list(L, text, sizeof text - 1, 1, &err), 3);
  assert_int_equal(lua_gettop(L), 4);
  assert_int_equal(lua_tointeger(L, 2), 1);
  assert_true(lua_istable(L, 3) && luajson_is_null(L, 4));
  lua_settop(L, 1);
  assert_int_equal(read_list(L, "[1,2]", 5, 0, &err), 2);
  lua_settop(L, 1);
  assert_int_equal(read_list(L, "[1]", 3, 2, &err), 0);
  assert_int_equal(read_list(L, "[]", 2, 0, &err), 0);
  static const char *const bad[] = {"{}", "[1", "[1,]", "[1] 2", "", "[\"a\" 1]"};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    assert_int_equal(read_list(L, bad[i], strlen(bad[i]), 1, &err), -1);
    assert_int_equal(err.code, ERR_DECODE);
  }
  assert_int_equal(lua_tointeger(L, 1), 42);
  assert_int_equal(lua_gettop(L), 1);
  lua_settop(L, 0);
}

/* --- in slices -------------------------------------------------------------------- */

/* In slices, however many; pushes what luajson_decode would, or returns its code. */
static int decode_slices(lua_State *L, const char *text, size_t len, Error *err,
                         int *slices) {
  int over, index = lua_gettop(L) + 1;
  luaslices_push(L, &(LuaJsonList){text, len, 0, NULL, 0, false}, true);
  assert_true(luaslices_is(L, -1));
  for (*slices = 1; !(over = luaslices_step(L, index, err)); ++*slices) continue;
  lua_remove(L, index);
  return over > 0 ? 0 : (int)err->code;
}

static void assert_slices_agree(lua_State *L, const char *bytes, size_t len,
                                int at_least) {
  Error at_once = {0}, in_slices = {0};
  int slices;
  char *text = malloc(len ? len : 1);
  memcpy(text, bytes, len);
  int code = luajson_decode(L, text, len, &at_once);
  assert_int_equal(decode_slices(L, text, len, &in_slices, &slices), code);
  assert_string_equal(in_slices.message, at_once.message);
  if (code == 0 && !same(L)) fail_msg("%.100s is read in two ways", text);
  if (code == 0) assert_true(slices >= at_least);
  assert_int_equal(lua_gettop(L), 0);
  free(text);
}

/* Arrays, objects and both in one another, each longer than a slice, around `item`. */
static void put_large(Buffer *out, const char *item, int depth) {
  static const char *const kinds[] = {"[", "{\"k\":"};
  for (int i = 0; i < depth; i++) buffer_puts(out, kinds[i % 2]);
  buffer_putc(out, '[');
  for (size_t start = out->len; out->len - start < 200000;) {
    buffer_puts(out, item);
    buffer_putc(out, ',');
  }
  buffer_puts(out, "{}]");
  for (int i = depth; i-- > 0;)
    buffer_puts(out, i % 2 ? ",\"other\":[],\"none\":null}" : ",[1,2],{}]");
}

static void large_texts_are_read_in_slices(void **state) {
  lua_State *L = *state;
  run(state, same_lua);
  for (size_t i = 0; i < COUNT_OF(agreed) - 1; i++) {
    for (int depth = 0; depth < 4; depth++) {
      Buffer text = {0};
      put_large(&text, agreed[i], depth);
      assert_slices_agree(L, text.data, text.len, 3);
      for (size_t n = 0; n < text.len; n += 17171)
        assert_slices_agree(L, text.data, n, 1);
      for (size_t n = 5; n < text.len; n += 23231) {
        char was = text.data[n];
        text.data[n] = "]}[{\"x\\"[n % 7];
        assert_slices_agree(L, text.data, text.len, 1);
        text.data[n] = was;
      }
      buffer_free(&text);
    }
  }
}

static void slices_of_odd_texts(void **state) {
  lua_State *L = *state;
  Buffer text = {0};
  run(state, same_lua);
  static const char *const small[] = {"",  " ",   "[",    "[]", "{}",
                                      "1", "\"x", "[1]]", "nul"};
  for (size_t i = 0; i < COUNT_OF(small); i++)
    assert_slices_agree(L, small[i], strlen(small[i]), 1);
  buffer_putc(&text, '[');
  for (int i = 0; i < 100000; i++) buffer_putc(&text, ' ');
  buffer_puts(&text, "]");
  assert_slices_agree(L, text.data, text.len, 1); /* a large one that is empty */
  buffer_clear(&text);
  for (int i = 0; i < 600; i++) buffer_puts(&text, "[");
  for (int i = 0; i < 100000; i++) buffer_puts(&text, "1,");
  assert_slices_agree(L, text.data, text.len, 1); /* too deep */
  buffer_free(&text);
}

static void note_over(const LuaSlicesOver *over, const Error *err) {
  ++*(int *)over->host;
  assert_int_equal(err ? err->code : 0, over->reader);
}

static int f_begin(lua_State *L) { /* (text): reads one slice, then raises */
  Error err;
  luaslices_begin(L, 1);
  assert_int_equal(luaslices_step(L, 1, &err), 0);
  return luaL_error(L, "no more");
}

static void who_waits_is_told_once(void **state) {
  lua_State *L = *state;
  Buffer text = {0};
  Error err;
  int told = 0;
  put_large(&text, "[1,2]", 1);
  LuaJsonList list = {text.data, text.len, 0, NULL, 0, false};
  lua_pushcfunction(L, f_begin);
  luaslices_push(L, &list, false);
  luaslices_tell(L, -1, (LuaSlicesOver){.call = note_over, .host = &told});
  assert_int_equal(lua_pcall(L, 1, 0, 0), LUA_ERRRUN); /* it goes on no more */
  assert_int_equal(told, 1);
  lua_settop(L, 0);
  list.len--; /* it cannot be read */
  luaslices_push(L, &list, false);
  luaslices_tell(L, -1,
                 (LuaSlicesOver){.call = note_over, .host = &told, .reader = ERR_DECODE});
  while (luaslices_step(L, 1, &err) == 0) continue;
  assert_int_equal(told, 2);
  lua_settop(L, 0);
  luaslices_push(L, &list, false); /* it never begins */
  luaslices_tell(L, -1, (LuaSlicesOver){.call = note_over, .host = &told});
  lua_settop(L, 0);
  lua_gc(L, LUA_GCCOLLECT);
  assert_int_equal(told, 2);
  buffer_free(&text);
}

/* --- placeholders ----------------------------------------------------------------- */

static void placeholders_become_attachments(void **state) {
  lua_State *L = *state;
  Error err;
  static const SioBytes parts[] = {{"zero", 4}, {"o\0ne", 4}};
  static const char text[] =
      "[{\"_placeholder\":true,\"num\":1},{\"x\":{\"_placeholder\":true,\"num\":0}},"
      "{\"_placeholder\":false,\"num\":9},{\"\\u005fplaceholder\":true,\"num\":0.0}]";
  LuaJsonList list = {text, sizeof text - 1, 0, parts, 2, false};
  assert_int_equal(luajson_decode_list(L, &list, &err), 4);
  assert_int_equal(lua_rawlen(L, 1), 4);
  assert_memory_equal(lua_tostring(L, 1), "o\0ne", 4);
  assert_int_equal(lua_getfield(L, 2, "x"), LUA_TSTRING);
  assert_string_equal(lua_tostring(L, -1), "zero");
  assert_true(lua_istable(L, 3));
  assert_string_equal(lua_tostring(L, 4), "zero");
  lua_settop(L, 0);
  static const char *const bad[] = {"2", "-1", "0.5", "null", "\"0\"", "true", "{}"};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    Buffer wrong = {0};
    buffer_printf(&wrong, "[{\"_placeholder\":true,\"num\":%s}]", bad[i]);
    list = (LuaJsonList){wrong.data, wrong.len, 0, parts, 2, false};
    assert_int_equal(luajson_decode_list(L, &list, &err), -1);
    assert_int_equal(err.code, ERR_PROTOCOL);
    assert_int_equal(sio_check_filling(wrong.data, wrong.len, 2, &err), ERR_PROTOCOL);
    buffer_free(&wrong);
  }
  assert_int_equal(sio_check_filling(text, sizeof text - 1, 2, &err), 0);
  assert_int_equal(sio_check_filling(text, sizeof text - 1, 1, &err), ERR_PROTOCOL);
  assert_int_equal(lua_gettop(L), 0);
}

/* The check of a text takes what the reading takes. */
static void the_check_agrees(void **state) {
  (void)state;
  JsonArena *arena = json_arena_new(NULL);
  for (size_t i = 0; i < COUNT_OF(agreed); i++) {
    size_t len = strlen(agreed[i]);
    char *text = xstrndup(agreed[i], len);
    for (size_t at = 0; at < len; at++) {
      for (const char *c = "\"\\{}[],:0e-n"; *c; c++) {
        Error by_tree = {0}, by_check = {0};
        text[at] = *c;
        bool good = json_parse(arena, text, len, &by_tree) != NULL;
        assert_int_equal(sio_check_json(text, len, &by_check) == 0, good);
        assert_string_equal(by_check.message, by_tree.message);
      }
      text[at] = agreed[i][at];
    }
    free(text);
  }
  json_arena_free(arena);
}

/* One large object, and many of its kind that are small, each within the one before. */
static void a_large_object_makes_no_others_large(void **state) {
  run(state, "local many = '{\"a\":1' .. (',\"b\":1'):rep(64):gsub('b', (function()\n"
             "  local i = 0\n"
             "  return function() i = i + 1 return 'b' .. i end\n"
             "end)()) .. '}'\n"
             "local deep = ('{\"a\":'):rep(400) .. '1' .. ('}'):rep(400)\n"
             "local function size(text)\n"
             "  collectgarbage()\n"
             "  local before = collectgarbage('count')\n"
             "  local value = json.decode(text)\n"
             "  collectgarbage()\n"
             "  return collectgarbage('count') - before, value\n"
             "end\n"
             "size('{\"a\":' .. many .. '}')\n"
             "local after_large = size(deep)\n"
             "local after_small = size(deep)\n"
             "assert(after_large < after_small + 10, after_large)");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_what_the_tree_reads),
      cmocka_unit_test(objects_of_any_size),
      cmocka_unit_test(lists_are_pushed_without_their_table),
      cmocka_unit_test(a_large_object_makes_no_others_large),
      cmocka_unit_test(large_texts_are_read_in_slices),
      cmocka_unit_test(slices_of_odd_texts),
      cmocka_unit_test(who_waits_is_told_once),
      cmocka_unit_test(placeholders_become_attachments),
      cmocka_unit_test(the_check_agrees),
  };
  return cmocka_run_group_tests(tests, new_state, close_state);
}
