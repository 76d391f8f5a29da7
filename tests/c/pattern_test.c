/* Lua's patterns, made anew so that they can be stopped: they find, capture, replace and
 * refuse what Lua's own do. */
#include <stdio.h>

#include "two_states.h"

#include "core/base.h"

static void they_find_the_same(void **state) {
  (void)state;
  static const char *const calls[] = {
      "string.find, 'hello', 'l+'",
      "string.find, 'hello', '(l)(l)'",
      "string.find, 'hello', 'l', -2",
      "string.find, 'hello', '', 9",
      "string.find, 'hello', '', 6",
      "string.find, 'a.b', '.', 2, true",
      "string.find, 'a+b', '+', 1, true",
      "string.find, '', ''",
      "string.find, 'a\\0b', '\\0'",
      "string.find, 'abc', '^b'",
      "string.find, 'abc', 'c$'",
      "string.find, 'a$c', 'a$c'",
      "string.find, 'abc', '()b()'",
      "string.find, 'key = value', '^(%w+)%s*=%s*(%w+)$'",
      "string.match, '  x  ', '^%s*(.-)%s*$'",
      "string.match, 'f(a(b)c)d', '%b()'",
      "string.match, 'f(a(b', '%b()'",
      "string.match, 'THE (quick) fox', '%f[%a]%a+%f[%A]'",
      "string.match, 'abab', '(ab)%1'",
      "string.match, 'abac', '(ab)%1'",
      "string.match, '[]]', '[]]'",
      "string.match, 'a-z', '[a%-z]+'",
      "string.match, 'x^', '[x^]+'",
      "string.match, 'xyz', '[^x]+'",
      "string.match, '2026-11-28', '(%d+)-(%d+)-(%d+)'",
      "string.match, 'aaa', 'a-'",
      "string.match, 'aaab', 'a-b'",
      "string.match, 'aaa', 'a?a?a?a?'",
      "string.match, 'abc', 'b', 3",
      "string.match, '\\xff\\x80', '[\\x80-\\xff]+'",
      "string.match, 12345, '%d%d'",
  };
  assert_all_same(calls, COUNT_OF(calls));
}

static void they_replace_the_same(void **state) {
  (void)state;
  static const char *const calls[] = {
      "string.gsub, 'hello world', 'o', '0'",
      "string.gsub, 'hello world', '%w+', '<%0>'",
      "string.gsub, 'hello world', '(%w+) (%w+)', '%2 %1'",
      "string.gsub, 'hello', '', '-'",
      "string.gsub, 'hello', 'l', 'L', 1",
      "string.gsub, 'hello', 'l', 'L', 0",
      "string.gsub, 'hello', '%w', { h = 'J', e = false, l = 1 }",
      "string.gsub, 'hello', '%w', function(c) if c == 'l' then return c:upper() end end",
      "string.gsub, 'abc', '^a', 'x'",
      "string.gsub, 'aaa', '^a', 'x'",
      "string.gsub, 'abc', '%w', '%%'",
      "string.gsub, 'abc', 'b*', 'x'",
      "string.gsub, 'a.b.c', '%.', '%%.'",
      "string.gsub, 'abc', '()', '%1'",
  };
  assert_all_same(calls, COUNT_OF(calls));
}

static void they_iterate_the_same(void **state) {
  (void)state;
  static const char *const loops[] = {"('one two  three'):gmatch('%a+')",
                                      "('k=v, x=y'):gmatch('(%w+)=(%w+)')",
                                      "('abc'):gmatch('')",
                                      "('aXbX'):gmatch('(.-)X')",
                                      "('abc'):gmatch('^a')",
                                      "('hello'):gmatch('l', 4)",
                                      "('hello'):gmatch('l', -1)",
                                      "('aab'):gmatch('a*')"};
  for (size_t i = 0; i < COUNT_OF(loops); i++) {
    char code[256];
    snprintf(code, sizeof code,
             "local seen = {} for a, b in %s do seen[#seen + 1] = show(a, b) end "
             "return table.concat(seen, ';')",
             loops[i]);
    assert_same(code);
  }
}

static void they_refuse_the_same(void **state) {
  (void)state;
  static const char *const calls[] = {
      "string.find, 'a', '['",
      "string.find, 'a', '[a'",
      "string.find, 'a', '%'",
      "string.find, 'a', '(a'",
      "string.find, 'a', 'a)'",
      "string.find, 'a', '%1'",
      "string.find, 'a', '%b'",
      "string.find, 'a', '%f'",
      "string.find, 'a', '(a)%2'",
      "string.gsub, 'a', 'a', '%2'",
      "string.gsub, 'a', 'a', '%x'",
      "string.gsub, 'a', 'a', function() return {} end",
      "string.gsub, 'a', 'a', true",
      "string.gsub, 'a', 'a'",
      "string.find, nil, 'a'",
      "string.find, 'a', {}",
      "string.match, 'a', 'a', 'x'",
      "string.gsub, 'a', 'a', { a = {} }",
      "string.find, 'a', "
      "'(((((((((((((((((((((((((((((((((a)))))))))))))))))))))))))))))))))'",
      "string.match, 'a', ('a?'):rep(300000)"};
  assert_all_same(calls, COUNT_OF(calls));
}

/* Patterns and texts of few characters, so that many fit. */
static void random_ones_do_the_same(void **state) {
  (void)state;
  static const char piece[] =
      "math.randomseed(%d, 7) local parts = { 'a', 'b', '.', '%%a', '%%d', '[ab]', "
      "'[^a]', '(', "
      "')', '*', '+', '-', '?', '^', '$', '%%1', '%%b()', '%%f[a]', '1' }\n"
      "local function any(n) local t = {} for i = 1, math.random(0, n) do "
      "t[i] = parts[math.random(#parts)] end return table.concat(t) end\n"
      "local function text() local t = {} for i = 1, math.random(0, 12) do "
      "local n = math.random(6) t[i] = ('ab1()x'):sub(n, n) end return table.concat(t) "
      "end\n"
      "local seen = {} for i = 1, 400 do local s, p = text(), any(6)\n"
      "  seen[i] = p .. ':' .. s .. ':' .. call(string.find, s, p) .. ':' .. "
      "call(string.gsub, s, p, '<%%0>')\n"
      "end return table.concat(seen, '\\n')";
  char code[1024];
  for (int seed = 1; seed <= 10; seed++) {
    snprintf(code, sizeof code, piece, seed);
    assert_same(code);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      two_states_test(they_find_the_same),      two_states_test(they_replace_the_same),
      two_states_test(they_iterate_the_same),   two_states_test(they_refuse_the_same),
      two_states_test(random_ones_do_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
