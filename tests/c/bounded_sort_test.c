/* table.sort, made anew so that it can be stopped: sorted as Lua's own sorts, and it ends
 * whatever the comparison says. */
#include <stdio.h>

#include "two_states.h"

#include "core/base.h"

static void it_sorts(void **state) {
  (void)state;
  static const char *const lists[] = {"{}",
                                      "{1}",
                                      "{2, 1}",
                                      "{3, 1, 2}",
                                      "{1, 1, 1, 1}",
                                      "{5, 4, 3, 2, 1}",
                                      "{1.5, 1, -2, 1e9}",
                                      "{'b', 'a', 'B', ''}"};
  for (size_t i = 0; i < COUNT_OF(lists); i++) {
    char code[256];
    snprintf(code, sizeof code, "local t = %s table.sort(t) return show(table.unpack(t))",
             lists[i]);
    assert_same(code);
    snprintf(code, sizeof code,
             "local t = %s table.sort(t, function(a, b) return a > b end) "
             "return show(table.unpack(t))",
             lists[i]);
    assert_same(code);
  }
}

static void long_lists_too(void **state) {
  (void)state;
  static const char *const made[] = {"i", "-i", "math.random(1000)", "i % 7", "i & 1"};
  for (size_t i = 0; i < COUNT_OF(made); i++) {
    char code[256];
    snprintf(code, sizeof code,
             "math.randomseed(3, 4) local t = {} for i = 1, 3000 do t[i] = %s end "
             "table.sort(t) return table.concat(t, ' ')",
             made[i]);
    assert_same(code);
  }
}

static void what_cannot_be_compared_is_refused(void **state) {
  (void)state;
  static const char *const calls[] = {"table.sort, {1, 'a'}", "table.sort, {{}, {}}",
                                      "table.sort, {1, 2}, 'x'", "table.sort, nil",
                                      "table.sort, {2, 1}, error"};
  assert_all_same(calls, COUNT_OF(calls));
}

static void metamethods_are_asked(void **state) {
  (void)state;
  assert_same("local lt = setmetatable({}, { __lt = function(a, b) return false end })\n"
              "local t = { lt, lt } table.sort(t) return show(#t, t[1] == lt)");
  assert_same("local p = setmetatable({}, { __len = function() return 3 end,\n"
              "  __index = function(_, i) return rawget(kept, i) end,\n"
              "  __newindex = function(_, i, v) kept[i] = v end })\n"
              "kept = { 3, 1, 2 } table.sort(p) return show(table.unpack(kept))");
}

/* It may raise, or leave any order, as Lua's does; the same things are in it. */
static void a_comparison_that_contradicts_itself_ends(void **state) {
  (void)state;
  static const char *const comparisons[] = {"true", "a ~= b", "math.random(2) == 1"};
  for (size_t i = 0; i < COUNT_OF(comparisons); i++) {
    char code[512];
    snprintf(code, sizeof code,
             "for n = 1, 60 do local t, sum = {}, 0 for i = 1, n do t[i] = i end\n"
             "  pcall(table.sort, t, function(a, b) return %s end)\n"
             "  for i = 1, n do sum = sum + t[i] end assert(#t == n)\n"
             "end return 'ended'",
             comparisons[i]);
    assert_string_equal(result_of(two.bounded, code), "ended");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      two_states_test(it_sorts),
      two_states_test(long_lists_too),
      two_states_test(what_cannot_be_compared_is_refused),
      two_states_test(metamethods_are_asked),
      two_states_test(a_comparison_that_contradicts_itself_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
