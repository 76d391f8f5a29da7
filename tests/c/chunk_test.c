/* Compiled chunks, read back: code, lines, constants, upvalues, nested functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>

#include "core/buffer.h"
#include "vm/chunk.h"

static lua_State *L;

static int open_state(void **state) {
  (void)state;
  L = luaL_newstate();
  return 0;
}

static int close_state(void **state) {
  (void)state;
  lua_close(L);
  return 0;
}

static ChunkFunction *read_text(const char *text) {
  lua_settop(L, 0);
  if (luaL_loadstring(L, text) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  ChunkFunction *main = chunk_read(L);
  assert_non_null(main);
  assert_int_equal(lua_gettop(L), 1);
  return main;
}

static bool has_string(const ChunkFunction *f, const char *text) {
  for (size_t i = 0; i < f->string_count; i++)
    if (f->strings[i] && strcmp(f->strings[i], text) == 0) return true;
  return false;
}

static void constants_are_read(void **state) {
  (void)state;
  char *longer =
      xasprintf("x = { 'short', '%0100d', 1.5, 1 << 40, 70000, true, nil, false }", 7);
  ChunkFunction *main = read_text(longer);
  assert_true(has_string(main, "x"));
  assert_true(has_string(main, "short"));
  bool found = false;
  for (size_t i = 0; i < main->string_count; i++)
    found = found || (main->strings[i] && strlen(main->strings[i]) == 100);
  assert_true(found);
  assert_false(has_string(main, "y"));
  chunk_free(main);
  free(longer);
}

static void each_instruction_has_its_line(void **state) {
  (void)state;
  ChunkFunction *main = read_text("a()\n\n\nb()\n c = 1");
  assert_true(main->code_count >= 5);
  int last = 0;
  bool seen[6] = {0};
  for (size_t i = 1; i < main->code_count; i++) { /* the first is VARARGPREP */
    assert_true(main->lines[i] >= last && main->lines[i] <= 5);
    last = main->lines[i];
    seen[last] = true;
  }
  assert_true(seen[1] && !seen[2] && !seen[3] && seen[4] && seen[5]);
  chunk_free(main);
}

/* A step of more than 127 lines, and code for which absolute lines are kept. */
static void lines_far_apart_are_right(void **state) {
  (void)state;
  Buffer text = {0};
  for (int i = 0; i < 300; i++) buffer_puts(&text, "a()\n");
  for (int i = 0; i < 1000; i++) buffer_putc(&text, '\n');
  buffer_puts(&text, "b()");
  ChunkFunction *main = read_text(buffer_text(&text));
  assert_int_equal(main->lines[main->code_count - 1], 1301);
  int line = 1;
  for (size_t i = 1; i + 3 < main->code_count; i++) {
    if (main->lines[i] != line) assert_int_equal(main->lines[i], line + 1);
    line = main->lines[i];
  }
  assert_int_equal(line, 300);
  chunk_free(main);
  buffer_free(&text);
}

static void functions_nest(void **state) {
  (void)state;
  ChunkFunction *main = read_text("local a = 1\n"
                                  "function outer() local b = 2\n"
                                  "  return function() return a, b, inner_global end\n"
                                  "end\n"
                                  "function second() end");
  assert_int_equal(main->function_count, 2);
  assert_int_equal(main->upvalue_count, 1); /* _ENV */
  const ChunkFunction *outer = &main->functions[0], *inner = &outer->functions[0];
  assert_int_equal(outer->function_count, 1);
  assert_int_equal(inner->upvalue_count, 3);
  assert_false(inner->upvalues[0].in_stack); /* a: of outer's */
  assert_true(inner->upvalues[1].in_stack);  /* b: a local of outer */
  assert_true(has_string(inner, "inner_global"));
  assert_false(has_string(outer, "inner_global"));
  assert_int_equal(main->functions[1].function_count, 0);
  chunk_free(main);
}

static void what_is_no_chunk_gives_nothing(void **state) {
  (void)state;
  lua_settop(L, 0);
  lua_pushcfunction(L, luaopen_base); /* cannot be dumped */
  assert_null(chunk_read(L));
  assert_int_equal(lua_gettop(L), 1);
  chunk_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(constants_are_read, open_state, close_state),
      cmocka_unit_test_setup_teardown(each_instruction_has_its_line, open_state,
                                      close_state),
      cmocka_unit_test_setup_teardown(lines_far_apart_are_right, open_state, close_state),
      cmocka_unit_test_setup_teardown(functions_nest, open_state, close_state),
      cmocka_unit_test_setup_teardown(what_is_no_chunk_gives_nothing, open_state,
                                      close_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
