/* msgpack out: the shortest form of each value. */
#include "msgpack_env.h"

#include "core/json.h"
#include "proto/msgpack_put.h"

static void assert_bytes(Buffer *out, const char *hex) {
  Buffer expected = bytes_of(hex);
  assert_int_equal(out->len, expected.len);
  assert_memory_equal(out->data, expected.data, expected.len);
  buffer_free(&expected);
  buffer_clear(out);
}

static void integers_are_shortest(void **state) {
  (void)state;
  static const struct {
    int64_t value;
    const char *hex;
  } cases[] = {{0, "00"},
               {127, "7f"},
               {128, "cc 80"},
               {255, "cc ff"},
               {256, "cd 01 00"},
               {65535, "cd ff ff"},
               {65536, "ce 00 01 00 00"},
               {-1, "ff"},
               {-32, "e0"},
               {-33, "d0 df"},
               {-128, "d0 80"},
               {-129, "d1 ff 7f"},
               {-32768, "d1 80 00"},
               {-32769, "d2 ff ff 7f ff"},
               {INT64_MIN, "d3 80 00 00 00 00 00 00 00"}};
  Buffer out = {0};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    msgpack_put_integer(&out, cases[i].value);
    assert_bytes(&out, cases[i].hex);
  }
  buffer_free(&out);
}

static void containers_begin_with_their_count(void **state) {
  (void)state;
  Buffer out = {0};
  msgpack_put_array(&out, 15);
  assert_bytes(&out, "9f");
  msgpack_put_array(&out, 16);
  assert_bytes(&out, "dc 00 10");
  msgpack_put_array(&out, 65536);
  assert_bytes(&out, "dd 00 01 00 00");
  msgpack_put_map(&out, 15);
  assert_bytes(&out, "8f");
  msgpack_put_map(&out, 65535);
  assert_bytes(&out, "de ff ff");
  msgpack_put_map(&out, 65536);
  assert_bytes(&out, "df 00 01 00 00");
  buffer_free(&out);
}

static void trees_are_written_whole(void **state) {
  (void)state;
  const char *text = "{\"a\":[1,-1,0.5,true,false,null,\"x\"],\"b\":{}}";
  JsonArena *arena = json_arena_new(NULL);
  Error err;
  Buffer out = {0};
  const cJSON *tree = json_parse(arena, text, strlen(text), &err);
  assert_int_equal(msgpack_put_tree(&out, arena, tree), 0);
  assert_bytes(&out,
               "82 a1 61 97 01 ff cb 3f e0 00 00 00 00 00 00 c3 c2 c0 a1 78 a1 62 80");
  buffer_free(&out);
  json_arena_free(arena);
}

static void lengths_are_shortest(void **state) {
  (void)state;
  static const struct {
    size_t len, head;
  } strings[] = {{31, 1},    {32, 2},    {255, 2},  {256, 3},
                 {65535, 3}, {65536, 5}, {70000, 5}};
  char *text = xmalloc(70000);
  memset(text, 'x', 70000);
  for (size_t i = 0; i < COUNT_OF(strings); i++) {
    Buffer out = {0};
    assert_int_equal(msgpack_put_string(&out, text, strings[i].len), 0);
    assert_int_equal(out.len, strings[i].len + strings[i].head);
    buffer_free(&out);
  }
  Buffer out = {0};
  assert_int_equal(msgpack_put_string(&out, "\xff", 1), ERR_DECODE);
  assert_int_equal(out.len, 0);
  assert_int_equal(msgpack_put_binary(&out, "\xff", 1), 0);
  assert_int_equal(out.len, 3);
  buffer_free(&out);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers_are_shortest),
      cmocka_unit_test(containers_begin_with_their_count),
      cmocka_unit_test(trees_are_written_whole),
      cmocka_unit_test(lengths_are_shortest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
