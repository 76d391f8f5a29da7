/* SHA-1: the examples of FIPS 180-4 and RFC 6455, and every length around a block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/sha1.h"

static void assert_sha1(const char *bytes, size_t len, const char *expected) {
  uint8_t digest[SHA1_LEN];
  char text[2 * SHA1_LEN + 1];
  sha1(bytes, len, digest);
  for (int i = 0; i < SHA1_LEN; i++) sprintf(text + 2 * i, "%02x", digest[i]);
  assert_string_equal(text, expected);
}

static void known_digests(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
      {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
      {"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
       "b37a4f2cc0624f1690f64606cf385945b2bec4ea"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    assert_sha1(cases[i][0], strlen(cases[i][0]), cases[i][1]);
  char *million = malloc(1000000);
  memset(million, 'a', 1000000);
  assert_sha1(million, 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  free(million);
}

/* The digest of the digests of "", "a", "aa", ...: one wrong length shows. */
static void every_length_around_a_block(void **state) {
  (void)state;
  char text[130], sum[130 * SHA1_LEN];
  memset(text, 'a', sizeof text);
  for (size_t len = 0; len < sizeof text; len++)
    sha1(text, len, (uint8_t *)sum + len * SHA1_LEN);
  assert_sha1(sum, sizeof sum, "f4def80e0e53c803b671aed255f87d83c3a1fe29");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_digests),
      cmocka_unit_test(every_length_around_a_block),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
