/* Boxes and holders: an object is released once, whoever closes first; a closed box
 * raises; nothing is released twice when the state is severed and then closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/box.h"
#include "lua_env.h"

static int released;
static void *released_object;

static void count_release(Box *box) {
  released++;
  released_object = box->object;
}

static const BoxKind counted = {"counter", count_release};
static const BoxKind bare = {"bare thing", NULL};

static int f_name(lua_State *L) {
  box_check(L, 1, &counted);
  lua_pushliteral(L, "name");
  return 1;
}

/* Leaves nothing; the global `box` holds the only reference. */
static Box *open_box(lua_State *L, const BoxKind *kind, void *object) {
  static const luaL_Reg methods[] = {{"name", f_name}, {NULL, NULL}};
  released = 0;
  released_object = NULL;
  box_class(L, kind, methods, NULL);
  Box *box = box_new(L, kind);
  box->object = object;
  lua_setglobal(L, "box");
  return box;
}

static int object;

static void it_is_released_once(void **state) {
  lua_State *L = *state;
  Box *box = open_box(L, &counted, &object);
  run(state, "do local b <close> = box end");
  assert_int_equal(released, 1);
  assert_ptr_equal(released_object, &object);
  assert_null(box->object);
  box_release(box);
  run(state, "box = nil; collectgarbage()");
  assert_int_equal(released, 1);
}

static void a_closed_one_raises(void **state) {
  lua_State *L = *state;
  Box *box = open_box(L, &counted, &object);
  run(state, "assert(box:name() == 'name')");
  box_release(box);
  run(state, "local ok, err = pcall(box.name, box)\n"
             "assert(not ok and err:find('closed counter', 1, true), err)\n"
             "assert(tostring(box):find('^closed counter'))");
}

static void errors_name_the_mistake(void **state) {
  lua_State *L = *state;
  open_box(L, &counted, &object);
  run(state, "local ok, err = pcall(box.name, {})\n"
             "assert(err:find('called with a colon', 1, true), err)\n"
             "ok, err = pcall(function() return box.nam end)\n"
             "assert(err:find(\"did you mean \\\"name\\\"\", 1, true), err)\n"
             "assert(getmetatable(box) == 'counter')");
}

static void severing_releases_all(void **state) {
  lua_State *L = *state;
  Box *box = open_box(L, &counted, &object);
  boxes_sever(L);
  assert_int_equal(released, 1);
  assert_null(box->at);
  run(state, "box = nil; collectgarbage()");
  assert_int_equal(released, 1);
}

static void an_object_closes_all_its_boxes(void **state) {
  lua_State *L = *state;
  Box *boxes = NULL, *first = open_box(L, &bare, NULL);
  lua_getglobal(L, "box"); /* keeps the first */
  Box *second = open_box(L, &bare, NULL);
  box_refer(first, &object, &boxes);
  box_refer(second, &object, &boxes);
  box_release(second);
  assert_ptr_equal(boxes, first);
  boxes_close(&boxes);
  assert_null(first->object);
  assert_null(boxes);
  lua_settop(L, 0);
}

static void free_text(void *text) {
  released++;
  free(text);
}

static int f_hold_and_raise(lua_State *L) {
  Holder *holder = holder_push(L, free_text);
  holder->object = strdup("text");
  if (lua_toboolean(L, 1)) free(holder_take(holder));
  return luaL_error(L, "raised");
}

static void a_raise_does_not_leak_what_is_held(void **state) {
  lua_State *L = *state;
  for (int taken = 0; taken < 2; taken++) {
    released = 0;
    lua_pushcfunction(L, f_hold_and_raise);
    lua_pushboolean(L, taken);
    assert_int_equal(lua_pcall(L, 1, 0, 0), LUA_ERRRUN);
    lua_settop(L, 0);
    lua_gc(L, LUA_GCCOLLECT);
    assert_int_equal(released, taken ? 0 : 1);
  }
}

#define box_test(f) cmocka_unit_test_setup_teardown(f, new_state, close_state)

int main(void) {
  const struct CMUnitTest tests[] = {
      box_test(it_is_released_once),
      box_test(a_closed_one_raises),
      box_test(errors_name_the_mistake),
      box_test(severing_releases_all),
      box_test(an_object_closes_all_its_boxes),
      box_test(a_raise_does_not_leak_what_is_held),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
