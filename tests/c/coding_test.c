/* Content codings undone, however the bytes are cut. */
#include "proto/coding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

enum { GZIP = 15 + 16, ZLIB = 15, RAW = -15 };

static void pack(Buffer *out, int bits, const char *data, size_t len) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  size_t room = deflateBound(&z, len) + 64;
  z.next_in = (Bytef *)data;
  z.avail_in = (uInt)len;
  z.next_out = (Bytef *)buffer_reserve(out, room);
  z.avail_out = (uInt)room;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  out->len += room - z.avail_out;
  deflateEnd(&z);
}

/* Feeds in steps; returns the code of the feeding, or of the end. */
static int unpack(const char *coding, const Buffer *in, size_t step, size_t limit,
                  Buffer *out) {
  Coding *c = coding_new(coding, strlen(coding));
  int code = 0;
  assert_non_null(c);
  buffer_clear(out);
  for (size_t at = 0; !code && at < in->len; at += step)
    code = coding_take(c, in->data + at, in->len - at < step ? in->len - at : step, limit,
                       out);
  if (!code) code = coding_end(c);
  coding_free(c);
  return code;
}

static void is_undone(const char *coding, const Buffer *in, const char *text) {
  Buffer out = {0};
  for (size_t step = 1; step <= in->len + 1; step++) {
    assert_int_equal(unpack(coding, in, step, strlen(text), &out), 0);
    assert_string_equal(buffer_text(&out), text);
    if (*text && step < 8)
      assert_int_equal(unpack(coding, in, step, strlen(text) - 1, &out), ERR_TOO_LARGE);
    assert_true(out.len <= strlen(text));
  }
  buffer_free(&out);
}

static void is_refused(const char *coding, const Buffer *in) {
  Buffer out = {0};
  for (size_t step = 1; step <= in->len + 1; step++)
    assert_int_equal(unpack(coding, in, step, 1000, &out), ERR_DECODE);
  buffer_free(&out);
}

static void gzip_may_have_members_and_zeros_behind(void **state) {
  (void)state;
  Buffer in = {0};
  pack(&in, GZIP, "hello ", 6);
  is_undone("gzip", &in, "hello ");
  pack(&in, GZIP, "world", 5);
  is_undone("GZip", &in, "hello world");
  pack(&in, GZIP, "", 0);
  is_undone("x-gzip", &in, "hello world");
  buffer_put(&in, "\0\0\0", 3);
  is_undone(" gzip , identity", &in, "hello world");
  buffer_put(&in, "x", 1);
  is_refused("gzip", &in);
  buffer_free(&in);
}

static void deflate_has_two_forms(void **state) {
  (void)state;
  static const int forms[] = {ZLIB, RAW};
  for (size_t i = 0; i < COUNT_OF(forms); i++) {
    Buffer in = {0};
    pack(&in, forms[i], "hello world", 11);
    is_undone("deflate", &in, "hello world");
    buffer_put(&in, "\0", 1);
    is_undone("deflate", &in, "hello world");
    in.len -= 3;
    is_refused("deflate", &in);
    in.len = 1;
    is_refused("deflate", &in);
    buffer_free(&in);
  }
}

static void several_are_undone_in_turn(void **state) {
  (void)state;
  Buffer once = {0}, twice = {0};
  pack(&once, ZLIB, "hello world", 11);
  pack(&twice, GZIP, once.data, once.len);
  Buffer out = {0};
  for (size_t step = 1; step <= twice.len; step++) {
    assert_int_equal(unpack("deflate, gzip", &twice, step, 1000, &out), 0);
    assert_string_equal(buffer_text(&out), "hello world");
  }
  is_refused("gzip, deflate", &twice);
  buffer_free(&out);
  buffer_free(&once);
  buffer_free(&twice);
}

static void an_early_end_is_told(void **state) {
  (void)state;
  Buffer in = {0}, out = {0};
  pack(&in, GZIP, "hello world", 11);
  assert_int_equal(unpack("gzip", &(Buffer){0}, 1, 10, &out), 0); /* nothing is empty */
  for (size_t whole = in.len; in.len > 1; in.len--)
    assert_int_equal(unpack("gzip", &in, 4, 1000, &out),
                     in.len == whole ? 0 : ERR_DECODE);
  buffer_free(&in);
  buffer_free(&out);
}

static void unknown_ones_are_left(void **state) {
  (void)state;
  static const char *const codings[] = {
      "",         "identity", "br",  "zstd",      "none",
      "gzip, br", "br, gzip", ",,,", "gzip gzip", "gzip,gzip,gzip,gzip,gzip,gzip"};
  for (size_t i = 0; i < COUNT_OF(codings); i++)
    assert_null(coding_new(codings[i], strlen(codings[i])));
}

static void a_bomb_stops_at_the_limit(void **state) {
  (void)state;
  enum { BIG = 50 * 1000 * 1000, LIMIT = 100000 };
  char *zeros = xcalloc(1, BIG);
  Buffer once = {0}, twice = {0}, out = {0};
  pack(&once, GZIP, zeros, BIG);
  pack(&twice, GZIP, once.data, once.len);
  assert_int_equal(unpack("gzip", &once, 1000, LIMIT, &out), ERR_TOO_LARGE);
  assert_int_equal(out.len, LIMIT);
  assert_true(out.cap < 4 * LIMIT);
  assert_int_equal(unpack("gzip, gzip", &twice, 1000, LIMIT, &out), ERR_TOO_LARGE);
  assert_true(out.cap < 4 * LIMIT);
  buffer_free(&once);
  buffer_free(&twice);
  buffer_free(&out);
  free(zeros);
}

/* An outer coding that unfolds into members of which each is empty. */
static void a_bomb_of_nothing_stops_too(void **state) {
  (void)state;
  enum { MEMBERS = 100000, LIMIT = 100000 };
  Buffer once = {0}, all = {0}, twice = {0}, out = {0};
  pack(&once, GZIP, "", 0);
  for (int i = 0; i < MEMBERS; i++) buffer_put(&all, once.data, once.len);
  pack(&twice, GZIP, all.data, all.len);
  assert_int_equal(unpack("gzip, gzip", &twice, 16, LIMIT, &out), ERR_TOO_LARGE);
  assert_int_equal(unpack("gzip, gzip", &twice, 16, all.len, &out), 0);
  assert_int_equal(out.len, 0);
  buffer_free(&once);
  buffer_free(&all);
  buffer_free(&twice);
  buffer_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gzip_may_have_members_and_zeros_behind),
      cmocka_unit_test(deflate_has_two_forms),
      cmocka_unit_test(several_are_undone_in_turn),
      cmocka_unit_test(an_early_end_is_told),
      cmocka_unit_test(unknown_ones_are_left),
      cmocka_unit_test(a_bomb_stops_at_the_limit),
      cmocka_unit_test(a_bomb_of_nothing_stops_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
