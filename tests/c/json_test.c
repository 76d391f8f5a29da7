/* JSON in and out: the corner cases of RFC 8259, trees as cJSON walks them, and numbers
 * that must come back as they were. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json.h"
#include "core/jsonscan.h"

static int new_arena(void **state) {
  *state = json_arena_new(NULL);
  return 0;
}

static int free_arena(void **state) {
  json_arena_free(*state);
  return 0;
}

/* In memory of its exact size, so that the sanitizer sees a read behind the end. */
static const cJSON *parse_exact(JsonArena *arena, const char *text, size_t len,
                                Error *err) {
  char *copy = malloc(len ? len : 1);
  memcpy(copy, text, len);
  const cJSON *root = json_parse(arena, copy, len, err);
  free(copy);
  return root;
}

static const cJSON *parse(void **state, const char *text) {
  Error err = {0};
  const cJSON *root = parse_exact(*state, text, strlen(text), &err);
  if (!root) fail_msg("refused %s: %s", text, err.message);
  return root;
}

static void assert_refused(void **state, const char *text, size_t len) {
  Error err = {0};
  if (parse_exact(*state, text, len, &err)) fail_msg("accepted %s", text);
  assert_int_equal(err.code, ERR_DECODE);
  assert_true(strlen(err.message) > 0);
}

/* --- what is JSON and what is not ------------------------------------------------- */

static const char *const valid[] = {
    "[]", "{}", "[[] ]", "[\"\"]", "[\"a\"]", "[false]", "[null, 1, \"1\", {}]", "[null]",
    "[1\n]", " [1]", "[1] ", "[1,null,null,null,2]", "[2] ", "\t[\r\n]\n",
    /* scalars at the top */
    "42", "-0.1", "null", "true", "false", "\"asd\"", "\"\"", " 1 ", "0", "-0",
    /* numbers */
    "[123e65]", "[0e+1]", "[0e1]", "[ 4]", "[-0]", "[-123]", "[-1]", "[1E22]", "[1E-2]",
    "[1E+2]", "[123e45]", "[123.456e78]", "[1e-2]", "[1e+2]", "[123]", "[123.456789]",
    "[20e1]", "[1e999]", "[-1e999]", "[1e-999]", "[100000000000000000000]",
    "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]",
    "[1.23456789012345678901234567890123456789012345678901234567890123456789e10 ,1]",
    /* objects */
    "{\"a\":\"b\",\"a\":\"c\"}", "{\"a\":[]}", "{\"\":0}", "{ \"min\": -1.0e+28 }",
    "{\n\"a\": \"b\"\n}", "{\"a\":{\"b\":{\"c\":[{}]}}}",
    /* strings */
    "[\"\\u0060\\u012a\\u12AB\"]", "[\"\\uD801\\udc37\"]", "[\"\\ud83d\\ude39\\ud83d\"]",
    "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\\u0000\"]", "[\"\\\"\"]",
    "[\"a/*b*/c/*d//e\"]", "[\"\\\\a\"]", "[\"\\\\n\"]", "[\"asd \"]", "[\"\\uFFFF\"]",
    "[\"\xF4\x8F\xBF\xBF\"]", "[\"\xEF\xBF\xBF\"]", "[\"\\u0000\"]", "[\"\\u002c\"]",
    "[\"π\"]", "[\"\xF0\x9B\xBF\xBF\"]", "[\"new\\u00A0line\"]", "[\"\x7F\"]",
    "[\"\\u2028 \xE2\x80\xA8 \xE2\x80\xA9\"]", "[\"\\uDBFF\\uDFFF\"]", "[\"€𝄞\"]",
    "[\"\\uDADA\"]", "[\"\\uD888\\u1234\"]", "[\"\\uD800\\n\"]", "[\"\\uDd1e\\uD834\"]",
    "\xEF\xBB\xBF{}"};

static const char *const invalid[] = {
    "", " ", "\xEF\xBB\xBF",
    /* arrays */
    "[1 true]", "[\"\": 1]", "[\"\"],", "[,1]", "[1,,2]", "[\"x\",,]", "[\"x\"]]",
    "[\"\",]", "[\"x\"", "[x", "[3[4]]", "[1:2]", "[,]", "[-]", "[   , \"\"]", "[1,]",
    "[*]", "[\"a\"", "[1", "[1,\n1\n,1", "[{}", "[", "]", "[\"a\",\n4\n,1,", "[\f1]",
    "[1,", "[\"", "[[", "[1}", "[\v]", "[\xC2\xA0]",
    /* literals */
    "[fals]", "[nul]", "[tru]", "nan", "NaN", "[Infinity]", "[-Infinity]", "True",
    "[TRUE]", "nullx", "[truefalse]", "[undefined]", "t",
    /* numbers */
    "[++1234]", "[+1]", "[+Inf]", "[-01]", "[-1.0.]", "[-2.]", "[.-1]", "[.2e-3]",
    "[0.1.2]", "[0.3e+]", "[0.3e]", "[0.e1]", "[0E]", "[0E+]", "[0e]", "[1.0e+]",
    "[1.0e-]", "[1.0e]", "[1 000.0]", "[1eE2]", "[2.e3]", "[2.e+3]", "[9.e+]", "[Inf]",
    "[-1x]", "[0x1]", "[0x42]", "[1+2]", "[1-2]", "[1ea]", "[-012]", "[012]", "01", "1.",
    "[2.]", "[- 1]", "[-foo]", "[123\xE5]", "[1e5e5]", "-", "[-.5]", "[1_0]",
    "[\xEF\xBC\x91]",
    /* objects */
    "[\"x\", truth]", "{[: \"x\"}", "{\"x\", null}", "{\"x\"::\"b\"}", "{a: \"b\"}",
    "{'a':0}", "{\"a\" b}", "{:\"b\"}", "{\"a\" \"b\"}", "{\"a\":", "{\"a\"", "{1:1}",
    "{9999E9999:1}", "{null:null}", "{\"id\":0,,,,,}", "{\"id\":0,}", "{\"a\":\"b\"}/**/",
    "{\"a\":\"b\"}#", "{\"a\":\"b\"}//", "{\"a\":\"b\",,\"c\":\"d\"}", "{a:1}",
    "{\"a\":\"a", "{\"a\":true} \"x\"", "{", "}", "{}}", "{,", "{\"a\"}", "{]",
    "{ \"foo\" : \"bar\", \"a\" }", "{\"a\":1 \"b\":2}", "{\"\":}",
    /* strings */
    "[\"\\uD800\\\"]", "[\"\\uD800\\u\"]", "[\"\\uD800\\u1\"]", "[\"\\uD800\\u1x\"]",
    "[\\u0020\"asd\"]", "[\"\\x00\"]", "[\"\\a\"]", "[\"\\u00A\"]", "[\"\\u\"]", "[\"\\",
    "[\"\\\"]", "[\"\\\\\\\"]", "[\"\\u00", "[\"\\uqqqq\"]", "[\"\\u+123\"]",
    "[\"\\\xE5\"]", "[\"\t\"]", "[\"new\nline\"]", "[\"\x1F\"]", "\"", "['a']", "abc",
    "\"\\UA66D\"", "\"x", "\"\" x", "[\"\\ud83d\\uDE\"]", "[\"12345678\x01\"]",
    /* not UTF-8 */
    "[\"\xE5\"]", "[\"\xFF\"]", "[\"\xC0\xAF\"]", "[\"\xED\xA0\x80\"]",
    "[\"\xE0\x80\x80\"]", "[\"\xF4\xBF\xBF\xBF\"]", "[\"\xFC\x80\x80\x80\x80\x80\"]",
    "[\"\x81\"]", "[\"\xE2\x82\"]", "\xE5", "[\"1234567\xE9\"]",
    "[\"\xFF\xFF\xFF\xFF\xFF\xFF\"]", "{\"\xE5\":1}",
    /* after the value */
    "1 2", "1]", "{}{}", "[1]x", "[][]", "2@", "{\"a\":1}}", "<null>", "null,", "*",
    "<.>", "[\n", "[<null>]", "\xEF\xBB\xBF\xEF\xBB\xBF{}"};

static void accepts_what_is_json(void **state) {
  for (size_t i = 0; i < COUNT_OF(valid); i++) parse(state, valid[i]);
}

static void refuses_what_is_not(void **state) {
  for (size_t i = 0; i < COUNT_OF(invalid); i++)
    assert_refused(state, invalid[i], strlen(invalid[i]));
  assert_refused(state, "1\0", 2);
  assert_refused(state, "[\"a\0b\"]", 7);
  assert_refused(state, "[\0]", 3);
}

/* Cut anywhere, or with any byte changed, a text is refused or accepted, but never read
 * beyond its end. */
static void survives_damage(void **state) {
  static const char text[] =
      "{\"a\\u0000\":[-1.5e3,\"\\ud800\\ud83d\\ude39π\",true,null],"
      "\"k\":{\"\":0.25,\"x\":\"12345678901234567890\\n\"}}";
  size_t len = sizeof text - 1;
  Error err;
  assert_non_null(parse_exact(*state, text, len, &err));
  for (size_t cut = 0; cut < len; cut++) assert_refused(state, text, cut);
  for (size_t at = 0; at < len; at++) {
    char copy[sizeof text];
    for (int byte = 0; byte < 256; byte++) {
      memcpy(copy, text, sizeof text);
      copy[at] = (char)byte;
      parse_exact(*state, copy, len, &err);
    }
  }
}

static void nests_to_the_limit(void **state) {
  char text[2 * JSON_MAX_DEPTH + 4];
  memset(text, '[', sizeof text);
  memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
  text[2 * JSON_MAX_DEPTH] = '\0';
  parse(state, text);
  memset(text, '[', JSON_MAX_DEPTH + 1);
  memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
  assert_refused(state, text, 2 * JSON_MAX_DEPTH + 2);
  memset(text, '[', sizeof text);
  assert_refused(state, text, sizeof text);
}

static void says_where(void **state) {
  Error err;
  assert_null(json_parse(*state, "{\"name\": oops\x1b}", 15, &err));
  assert_non_null(strstr(err.message, "byte 9: not a value"));
  assert_non_null(strstr(err.message, "ame\": oops?}"));
  assert_null(json_parse(*state, "[1, 2", 5, &err));
  assert_non_null(strstr(err.message, "ends too early"));
  assert_null(json_parse(*state, "[\"\\u0000\"] x", 12, &err));
  assert_non_null(strstr(err.message, "byte 11: text after"));
  assert_null(json_parse(*state, "", 0, &err));
  assert_non_null(strstr(err.message, "no text"));
}

/* --- strings ---------------------------------------------------------------------- */

static void assert_string(void **state, const char *text, const char *want, size_t len) {
  const cJSON *root = parse(state, text);
  size_t got_len;
  const char *got = json_string(*state, root, false, &got_len);
  assert_int_equal(got_len, len);
  assert_memory_equal(got, want, len);
}

static void keeps_nuls(void **state) {
  assert_string(state, "\"a\\u0000b\"", "a\0b", 3);
  assert_string(state, "\"\\u0000\"", "\0", 1);
  assert_string(state, "\"\\u0000\\u0000\\n\\u0000\"", "\0\0\n\0", 4);
  assert_string(state, "\"\\\\u0000\"", "\\u0000", 6);
  const cJSON *root = parse(state, "{\"k\\u0000\": \"plain\"}");
  size_t len;
  assert_memory_equal(json_string(*state, root->child, true, &len), "k\0", 3);
  assert_int_equal(len, 2);
  assert_string(state, "\"plain\"", "plain", 5);
}

static void replaces_lone_surrogates(void **state) {
  assert_string(state, "\"\\ud83d\\ude39\"", "\xF0\x9F\x98\xB9", 4);
  assert_string(state, "\"a\\ud83d\"", "a\xEF\xBF\xBD", 4);
  assert_string(state, "\"\\ude39b\"",
                "\xEF\xBF\xBD"
                "b",
                4);
  assert_string(state, "\"\\ud83d\\ud83d\\ude39\"", "\xEF\xBF\xBD\xF0\x9F\x98\xB9", 7);
  assert_string(state, "\"\\ud83d\\u0041\"",
                "\xEF\xBF\xBD"
                "A",
                4);
  assert_string(state, "\"\\udbff\\udbff\"", "\xEF\xBF\xBD\xEF\xBF\xBD", 6);
}

static void assert_put(const char *text, size_t len, const char *want) {
  Buffer out = {0};
  assert_int_equal(json_put_string(&out, text, len), 0);
  assert_string_equal(buffer_text(&out), want);
  buffer_free(&out);
}

static void prints_strings(void **state) {
  (void)state;
  assert_put("", 0, "\"\"");
  assert_put("plain text, longer than one word", 32,
             "\"plain text, longer than one word\"");
  assert_put("\"\\/\b\f\n\r\t\x01\x1f\x7f", 11,
             "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
  assert_put("1234567\"", 8, "\"1234567\\\"\"");
  assert_put("12345678\n", 9, "\"12345678\\n\"");
  assert_put("a\0b", 3, "\"a\\u0000b\"");
  assert_put("π€𝄞", 9, "\"π€𝄞\"");
  Buffer out = {0};
  buffer_puts(&out, "before");
  assert_int_equal(json_put_string(&out, "12345678\xFF", 9), ERR_DECODE);
  assert_int_equal(json_put_string(&out, "\xC3", 1), ERR_DECODE);
  assert_int_equal(json_put_string(&out, "\xFF\"abcdefgh", 10), ERR_DECODE);
  assert_int_equal(json_put_string(&out, "\xED\xA0\x80", 3), ERR_DECODE);
  assert_string_equal(buffer_text(&out), "before");
  buffer_free(&out);
}

/* Each byte at each place of a word, so that the eight-at-a-time look is seen to agree
 * with the plain one. */
static void sees_each_byte(void **state) {
  (void)state;
  for (int byte = 1; byte < 0x80; byte++)
    for (size_t at = 0; at < 17; at++) {
      char text[18] = "abcdefghijklmnopq", want[32];
      text[at] = (char)byte;
      Buffer out = {0};
      assert_int_equal(json_put_string(&out, text, 17), 0);
      bool plain = byte >= 0x20 && byte != '"' && byte != '\\';
      if (plain) snprintf(want, sizeof want, "\"%s\"", text);
      if (plain) assert_string_equal(buffer_text(&out), want);
      else assert_true(out.len > 19 && out.data[1 + at] == '\\');
      buffer_free(&out);
    }
}

/* --- numbers ---------------------------------------------------------------------- */

static void assert_number(double value, const char *want) {
  Buffer out = {0};
  assert_int_equal(json_put_number(&out, value), 0);
  assert_string_equal(buffer_text(&out), want);
  buffer_free(&out);
}

static void prints_numbers(void **state) {
  (void)state;
  assert_number(0, "0");
  assert_number(-0.0, "-0");
  assert_number(1, "1");
  assert_number(-42, "-42");
  assert_number(0.1, "0.1");
  assert_number(1e15, "1000000000000000");
  assert_number(9007199254740991, "9007199254740991");
  assert_number(-9007199254740992, "-9007199254740992");
  assert_number(1.7976931348623157e308, "1.7976931348623157e+308");
  assert_number(5e-324, "4.94065645841247e-324");
  assert_number(1700000000.123, "1700000000.123");
  assert_number(0.1 + 0.2, "0.30000000000000004");
  Buffer out = {0};
  assert_int_equal(json_put_number(&out, NAN), ERR_DECODE);
  assert_int_equal(json_put_number(&out, INFINITY), ERR_DECODE);
  assert_int_equal(json_put_number(&out, -INFINITY), ERR_DECODE);
  json_put_integer(&out, INT64_MIN);
  buffer_putc(&out, ' ');
  json_put_integer(&out, INT64_MAX);
  assert_string_equal(buffer_text(&out), "-9223372036854775808 9223372036854775807");
  buffer_free(&out);
}

static uint64_t next_random(uint64_t *seed) {
  *seed ^= *seed << 13, *seed ^= *seed >> 7, *seed ^= *seed << 17;
  return *seed;
}

static void assert_round_trip(JsonArena *arena, double value) {
  Buffer out = {0};
  Error err;
  assert_int_equal(json_put_number(&out, value), 0);
  const cJSON *root = json_parse(arena, out.data, out.len, &err);
  assert_non_null(root);
  assert_memory_equal(&root->valuedouble, &value, sizeof value);
  buffer_free(&out);
}

static void numbers_come_back(void **state) {
  uint64_t seed = 88172645463325252u;
  for (int i = 0; i < 20000; i++) {
    uint64_t bits = next_random(&seed);
    double value, whole = (double)(bits >> 11);
    memcpy(&value, &bits, sizeof value);
    if (isfinite(value)) assert_round_trip(*state, value);
    assert_round_trip(*state, whole);
    assert_round_trip(*state, -whole);
  }
}

/* As printf prints them, in the fewest digits of 15, 16 or 17 that come back. */
static void prints_decimals_as_printf(void **state) {
  uint64_t seed = 1234567;
  for (int i = 0; i < 200000; i++) {
    uint64_t bits = next_random(&seed);
    double value = (double)(bits >> 14) / pow(10, (double)(bits % 24));
    if (bits & 64) value = nextafter(value, INFINITY);
    if (value <= 0x1p53 && value == floor(value)) continue;
    char want[64];
    for (int digits = 15; digits <= 17; digits++) {
      snprintf(want, sizeof want, "%.*g", digits, value);
      if (strtod(want, NULL) == value) break;
    }
    assert_number(value, want);
  }
  assert_number(-0.5, "-0.5");
  assert_number(0.0001, "0.0001");
  assert_number(99999999999999.9, "99999999999999.9");
  (void)state;
}

static void tells_integers(void **state) {
  int64_t n = 0;
  assert_true(json_integer(parse(state, "9007199254740992"), &n));
  assert_true(n == 9007199254740992);
  assert_true(json_integer(parse(state, "-9007199254740991"), &n));
  assert_true(n == -9007199254740991);
  assert_true(json_integer(parse(state, "1.0"), &n));
  assert_true(json_integer(parse(state, "12e2"), &n) && n == 1200);
  assert_false(json_integer(parse(state, "9007199254740994"), &n));
  assert_false(json_integer(parse(state, "0.5"), &n));
  assert_int_equal(parse(state, "9223372036854775807")->type, cJSON_Number);
  assert_false(json_integer(parse(state, "-0"), &n));
  assert_false(json_integer(parse(state, "1e300"), &n));
  assert_false(json_integer(parse(state, "1e999"), &n));
}

static void reads_long_numbers(void **state) {
  static const char text[] =
      "[0.1000000000000000000000000000000000000000000000000000000000000000000001,"
      "-123456789012345678901234567890123456789012345678901234567890123456789012,"
      "10000000000000000000000000000000000000000000000000000000000000000000e400,\"é\"]";
  const cJSON *root = parse(state, text);
  assert_true(cJSON_GetArrayItem(root, 0)->valuedouble == 0.1);
  assert_true(cJSON_GetArrayItem(root, 1)->valuedouble == -1.2345678901234568e71);
  assert_true(isinf(cJSON_GetArrayItem(root, 2)->valuedouble));
  assert_string_equal(cJSON_GetArrayItem(root, 3)->valuestring, "é");
}

static void ignores_the_locale(void **state) {
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                      "de_DE"};
  const char *set = NULL;
  for (size_t i = 0; i < COUNT_OF(names) && !set; i++) set = setlocale(LC_ALL, names[i]);
  if (!set || strcmp(localeconv()->decimal_point, ",") != 0) skip();
  assert_number(1.5, "1.5");
  assert_number(0.1 + 0.2, "0.30000000000000004");
  assert_true(parse(state, "2.25")->valuedouble == 2.25);
  reads_long_numbers(state);
  setlocale(LC_ALL, "C");
}

/* --------------------------------------------------------------------------------------
 */

static void lays_out(void **state) {
  (void)state;
  static const char text[] = "{\"a\":[1,{}],\"b,{\\\"\":{\"c\":[]}}";
  Buffer out = {0};
  buffer_puts(&out, text);
  assert_int_equal(json_lay_out(&out, 0, 1000), 0);
  assert_string_equal(buffer_text(&out), "{\n  \"a\": [\n    1,\n    {}\n  ],\n"
                                         "  \"b,{\\\"\": {\n    \"c\": []\n  }\n}");
  buffer_free(&out);
}

/* Of each length, plain and escaped, before and behind others: none overwrites another
 * when memory grows under it. */
static void keeps_strings_of_any_length(void **state) {
  Buffer text = {0}, want = {0};
  buffer_puts(&text, "[\"first\"");
  for (int n = 0; n < 3000; n += 1 + n / 30) {
    buffer_puts(&text, ",\"");
    for (int i = 0; i < n; i++) buffer_puts(&text, i % 61 == 60 ? "\\u00e9" : "x");
    buffer_puts(&text, "\"");
  }
  buffer_puts(&text, "]");
  Error err;
  const cJSON *root = parse_exact(*state, text.data, text.len, &err), *item = root->child;
  for (int n = 0; n < 3000; n += 1 + n / 30) {
    size_t len;
    item = item->next;
    const char *got = json_string(*state, item, false, &len);
    buffer_clear(&want);
    for (int i = 0; i < n; i++) buffer_puts(&want, i % 61 == 60 ? "é" : "x");
    assert_int_equal(len, want.len);
    assert_string_equal(got, buffer_text(&want));
  }
  assert_string_equal(root->child->valuestring, "first");
  assert_int_equal(json_count(root), cJSON_GetArraySize(root));
  buffer_free(&text);
  buffer_free(&want);
}

/* Many small ones, a big one between them: the tree is right each time. */
static void reuses_the_arena(void **state) {
  Buffer big = {0};
  Error err;
  buffer_putc(&big, '[');
  for (int i = 0; i < 50000; i++) buffer_printf(&big, "{\"n\":%d},", i);
  buffer_puts(&big, "null]");
  for (int i = 0; i < 30; i++) {
    assert_true(parse(state, "{\"a\":[1,2,3]}")->child->child->next->valuedouble == 2);
    if (i % 10) continue;
    const cJSON *root = json_parse(*state, big.data, big.len, &err);
    assert_int_equal(cJSON_GetArraySize(root), 50001);
  }
  buffer_free(&big);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepts_what_is_json),
      cmocka_unit_test(refuses_what_is_not),
      cmocka_unit_test(survives_damage),
      cmocka_unit_test(nests_to_the_limit),
      cmocka_unit_test(says_where),
      cmocka_unit_test(keeps_nuls),
      cmocka_unit_test(replaces_lone_surrogates),
      cmocka_unit_test(prints_strings),
      cmocka_unit_test(sees_each_byte),
      cmocka_unit_test(prints_numbers),
      cmocka_unit_test(numbers_come_back),
      cmocka_unit_test(prints_decimals_as_printf),
      cmocka_unit_test(tells_integers),
      cmocka_unit_test(reads_long_numbers),
      cmocka_unit_test(ignores_the_locale),
      cmocka_unit_test(lays_out),
      cmocka_unit_test(keeps_strings_of_any_length),
      cmocka_unit_test(reuses_the_arena),
  };
  return cmocka_run_group_tests(tests, new_arena, free_arena);
}
