/* Names that are kept as Lua strings: each comes out as it went in, whatever else was
 * pushed before, and what is kept does not grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/luakeys.h"
#include "core/base.h"
#include "lua_env.h"

static unsigned assert_pushed(lua_State *L, LuaKeys *keys, const char *name, size_t len) {
  size_t got;
  unsigned number = luakeys_push(L, keys, 1, name, len);
  const char *text = lua_tolstring(L, -1, &got);
  assert_int_equal(got, len);
  assert_memory_equal(text, name, len);
  lua_pop(L, 1);
  return number;
}

static void each_state_has_one(void **state) {
  lua_State *L = *state;
  LuaKeys *keys = luakeys_open(L);
  assert_int_equal(lua_gettop(L), 1);
  assert_ptr_equal(luakeys_open(L), keys);
  lua_settop(L, 0);
}

/* Names of each length that differ in one byte, at each place. */
static void near_names_are_told_apart(void **state) {
  lua_State *L = *state;
  LuaKeys *keys = luakeys_open(L);
  char name[20];
  for (size_t len = 0; len <= sizeof name; len++)
    for (size_t at = 0; at < len; at++)
      for (int round = 0; round < 2; round++) {
        memset(name, 'a', sizeof name);
        assert_pushed(L, keys, name, len);
        name[at] = 'b';
        assert_pushed(L, keys, name, len);
        name[at] = '\0';
        assert_pushed(L, keys, name, len);
      }
  assert_pushed(L, keys, "", 0);
  lua_settop(L, 0);
}

/* Many more than there is room for, again and again. */
static void random_names_come_out_as_they_were(void **state) {
  lua_State *L = *state;
  LuaKeys *keys = luakeys_open(L);
  srand(7);
  for (int i = 0; i < 20000; i++) {
    char name[20];
    size_t len = (size_t)(rand() % (int)sizeof name);
    for (size_t k = 0; k < len; k++) name[k] = (char)("ab\0\xff"[rand() % 4]);
    assert_pushed(L, keys, name, len);
  }
  lua_settop(L, 0);
}

static void it_takes_the_same_whatever_comes_in(void **state) {
  lua_State *L = *state;
  LuaKeys *keys = luakeys_open(L);
  char name[16];
  int before = 0;
  for (int i = 0; i < 50000; i++) {
    int len = snprintf(name, sizeof name, "name%d", i);
    assert_pushed(L, keys, name, (size_t)len);
    if (i != 5000) continue;
    lua_gc(L, LUA_GCCOLLECT);
    before = lua_gc(L, LUA_GCCOUNT);
  }
  lua_gc(L, LUA_GCCOLLECT);
  assert_true(lua_gc(L, LUA_GCCOUNT) <= before + 4);
  lua_settop(L, 0);
}

static void a_name_has_one_number(void **state) {
  lua_State *L = *state;
  LuaKeys *keys = luakeys_open(L);
  unsigned first = assert_pushed(L, keys, "first", 5);
  assert_int_equal(assert_pushed(L, keys, "first", 5), first);
  assert_true(assert_pushed(L, keys, "second", 6) != first);
  lua_settop(L, 0);
}

static void sizes_are_kept_for_a_place_and_a_name(void **state) {
  lua_State *L = *state;
  LuaKeys *keys = luakeys_open(L);
  unsigned user = assert_pushed(L, keys, "user", 4);
  *luakeys_room(keys, user, "id", 2) = 7;
  *luakeys_room(keys, 0, "id", 2) = 3;
  assert_int_equal(*luakeys_room(keys, user, "id", 2), 7);
  assert_int_equal(*luakeys_room(keys, 0, "id", 2), 3);
  char longer[300] = {0};
  for (unsigned within = 0; within < 128; within++) /* the sanitizer looks */
    *luakeys_room(keys, within, longer, sizeof longer) = 1;
  lua_settop(L, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(each_state_has_one, new_state, close_state),
      cmocka_unit_test_setup_teardown(near_names_are_told_apart, new_state, close_state),
      cmocka_unit_test_setup_teardown(random_names_come_out_as_they_were, new_state,
                                      close_state),
      cmocka_unit_test_setup_teardown(it_takes_the_same_whatever_comes_in, new_state,
                                      close_state),
      cmocka_unit_test_setup_teardown(a_name_has_one_number, new_state, close_state),
      cmocka_unit_test_setup_teardown(sizes_are_kept_for_a_place_and_a_name, new_state,
                                      close_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
