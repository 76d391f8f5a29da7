/* msgpack: what bytes mean, which are refused, and that trees come back the same. */
#include <math.h>

#include "msgpack_env.h"

#include "core/json.h"
#include "proto/msgpack_put.h"

static void means(const char *hex, const char *expected) {
  JsonArena *arena = json_arena_new(NULL);
  Buffer bytes = bytes_of(hex), out = {0};
  Error err;
  char *exact = xmalloc(bytes.len);
  memcpy(exact, bytes.data, bytes.len);
  const cJSON *root = msgpack_parse(arena, exact, bytes.len, &err);
  free(exact);
  if (!root) fail_msg("%s: %s", hex, err.message);
  show_tree(&out, arena, root);
  assert_string_equal(buffer_text(&out), expected);
  buffer_free(&out);
  buffer_free(&bytes);
  json_arena_free(arena);
}

static void is_refused(const char *hex, const char *message) {
  JsonArena *arena = json_arena_new(NULL);
  Buffer bytes = bytes_of(hex);
  Error err = {0};
  if (msgpack_parse(arena, bytes.data, bytes.len, &err)) fail_msg("%s was taken", hex);
  assert_string_equal(err.message, message);
  buffer_free(&bytes);
  json_arena_free(arena);
}

/* --- in --------------------------------------------------------------------------- */

static void scalars(void **state) {
  (void)state;
  means("c0", "null");
  means("c2", "false");
  means("c3", "true");
  means("00", "0");
  means("7f", "127");
  means("ff", "-1");
  means("e0", "-32");
  means("cc ff", "255");
  means("cd ff ff", "65535");
  means("ce ff ff ff ff", "4294967295");
  means("d0 80", "-128");
  means("d1 80 00", "-32768");
  means("d2 80 00 00 00", "-2147483648");
  means("ca 3f c0 00 00", "1.5");
  means("cb 3f b9 99 99 99 99 99 9a", "0.1");
  means("cb 7f f8 00 00 00 00 00 00", "odd");
}

static void big_integers(void **state) {
  (void)state;
  means("cf 00 20 00 00 00 00 00 00", "9007199254740992");
  means("cf 00 20 00 00 00 00 00 01", "9007199254740993i");
  means("cf 7f ff ff ff ff ff ff ff", "9223372036854775807i");
  means("cf 80 00 00 00 00 00 00 00", "9.223372036854776e+18");
  means("d3 ff df ff ff ff ff ff ff", "-9007199254740993i");
  means("d3 80 00 00 00 00 00 00 00", "-9223372036854775808i");
}

static void strings_and_bytes(void **state) {
  (void)state;
  means("a0", "\"\"");
  means("a3 61 00 62", "\"a\\u0000b\"");
  means("d9 02 ce ba", "\"\xce\xba\"");
  means("da 00 01 61", "\"a\"");
  means("db 00 00 00 01 61", "\"a\"");
  means("c4 02 00 ff", "<00ff>");
  means("c5 00 01 ff", "<ff>");
  means("c6 00 00 00 00", "<>");
}

static void what_notepack_makes_of_its_types(void **state) {
  (void)state;
  means("c7 02 00 01 02", "<0102>"); /* an ArrayBuffer */
  means("d4 00 00", "null");         /* undefined */
  means("d7 00 00 00 00 00 00 00 00 00", "\"1970-01-01T00:00:00.000Z\"");
  means("d7 00 00 00 01 8b cf e5 68 7b", "\"2023-11-14T22:13:20.123Z\"");
  means("d7 00 ff ff ff ff ff ff ff ff", "\"1969-12-31T23:59:59.999Z\"");
  means("d6 ff 65 53 f1 00", "\"2023-11-14T22:13:20.000Z\"");
  means("d7 ff 1d 53 9b 00 65 53 f1 00", "\"2023-11-14T22:13:20.123Z\"");
  means("c7 0c ff 07 54 d4 c0 00 00 00 00 65 53 f1 00", "\"2023-11-14T22:13:20.123Z\"");
  means("d7 00 00 1e b2 08 c2 dc 00 00", "\"+275760-09-13T00:00:00.000Z\"");
}

static void containers(void **state) {
  (void)state;
  means("90", "[]");
  means("80", "{}");
  means("93 01 c0 91 02", "[1,null,[2]]");
  means("82 a1 61 01 a1 62 81 a0 c3", "{\"a\":1,\"b\":{\"\":true}}");
  means("dc 00 02 01 02", "[1,2]");
  means("dd 00 00 00 01 01", "[1]");
  means("de 00 01 a1 61 01", "{\"a\":1}");
  means("df 00 00 00 01 d9 01 61 01", "{\"a\":1}");
}

static void what_is_refused(void **state) {
  (void)state;
  is_refused("", "not msgpack at byte 0: the data ends too early");
  is_refused("c1", "not msgpack at byte 1: a byte that starts no value");
  is_refused("01 01", "not msgpack at byte 1: bytes behind the value");
  is_refused("a2 61", "not msgpack at byte 1: the data ends too early");
  is_refused("a1 ff", "not msgpack at byte 2: a string that is not UTF-8");
  is_refused("cd 01", "not msgpack at byte 1: the data ends too early");
  is_refused("81 01 02", "not msgpack at byte 2: a key that is no string");
  is_refused("dd ff ff ff ff 01", "not msgpack at byte 5: the data ends too early");
  is_refused("df 00 00 00 02 a0 01", "not msgpack at byte 5: the data ends too early");
  is_refused("c6 ff ff ff ff 00", "not msgpack at byte 5: the data ends too early");
  is_refused("d4 01 00", "not msgpack at byte 2: an ext type that is not known");
  is_refused("d5 00 00 00", "not msgpack at byte 2: an ext type that is not known");
  is_refused("d4 ff 00", "not msgpack at byte 2: a timestamp of a wrong length");
  is_refused("d7 00 7f ff ff ff ff ff ff ff",
             "not msgpack at byte 10: a date beyond what a date can be");
  is_refused("d7 ff ff ff ff ff ff ff ff ff",
             "not msgpack at byte 10: a timestamp of too many nanoseconds");
}

static void depth_is_limited(void **state) {
  (void)state;
  JsonArena *arena = json_arena_new(NULL);
  Error err;
  char deep[JSON_MAX_DEPTH + 2];
  memset(deep, 0x91, sizeof deep);
  deep[JSON_MAX_DEPTH] = (char)0xC0;
  assert_non_null(msgpack_parse(arena, deep, JSON_MAX_DEPTH + 1, &err));
  deep[JSON_MAX_DEPTH] = (char)0x91;
  deep[JSON_MAX_DEPTH + 1] = (char)0xC0;
  assert_null(msgpack_parse(arena, deep, JSON_MAX_DEPTH + 2, &err));
  assert_non_null(strstr(err.message, "nested too deeply"));
  json_arena_free(arena);
}

static void memory_is_limited(void **state) {
  (void)state;
  enum { MANY = 16 << 20 };
  JsonArena *arena = json_arena_new(NULL);
  Error err;
  char *bytes = xcalloc(1, MANY + 5);
  memcpy(bytes, "\xdd\x01\x00\x00\x00", 5);
  assert_null(msgpack_parse(arena, bytes, MANY + 5, &err));
  assert_int_equal(err.code, ERR_TOO_LARGE);
  free(bytes);
  json_arena_free(arena);
}

/* --- out -------------------------------------------------------------------------- */

static void trees_come_back_the_same(void **state) {
  (void)state;
  static const char *const texts[] = {
      "[0,1,127,128,255,256,65535,65536,4294967295,4294967296,9007199254740992]",
      "[-1,-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,-9007199254740992]",
      "[0.5,1e+300,true,false,null,\"\",\"\xce\xba\",{},[],{\"a\":{\"b\":[1]}}]",
      "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"};
  JsonArena *arena = json_arena_new(NULL);
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    Buffer packed = {0}, out = {0};
    Error err;
    const cJSON *root = json_parse(arena, texts[i], strlen(texts[i]), &err);
    assert_int_equal(msgpack_put_tree(&packed, arena, root), 0);
    root = msgpack_parse(arena, packed.data, packed.len, &err);
    if (!root) fail_msg("%s: %s", texts[i], err.message);
    show_tree(&out, arena, root);
    assert_string_equal(buffer_text(&out), texts[i]);
    buffer_free(&packed);
    buffer_free(&out);
  }
  json_arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scalars),
      cmocka_unit_test(big_integers),
      cmocka_unit_test(strings_and_bytes),
      cmocka_unit_test(what_notepack_makes_of_its_types),
      cmocka_unit_test(containers),
      cmocka_unit_test(what_is_refused),
      cmocka_unit_test(depth_is_limited),
      cmocka_unit_test(memory_is_limited),
      cmocka_unit_test(trees_come_back_the_same),
  };
  return cmocka_run_group_tests_name("msgpack", tests, NULL, NULL);
}
