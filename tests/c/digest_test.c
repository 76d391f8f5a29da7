/* Digests: the examples of FIPS 180-4, RFC 6455 and RFC 4231, every length around a
 * block, and texts that come in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hex.h"
#include "proto/digest.h"

static void assert_sha1(const char *bytes, size_t len, const char *expected) {
  uint8_t digest[SHA1_LEN];
  char text[2 * SHA1_LEN + 1] = "";
  sha1(bytes, len, digest);
  hex_write(digest, SHA1_LEN, text);
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

/* Takes the digest. */
static void assert_ends(Digest *digest, const char *expected) {
  uint8_t out[DIGEST_MOST];
  char text[2 * DIGEST_MOST + 1] = "";
  size_t len = digest_end(digest, out);
  assert_int_equal(2 * len, strlen(expected));
  hex_write(out, len, text);
  assert_string_equal(text, expected);
  digest_free(digest);
}

static int find_digest(const char *name) {
  int i = 0;
  while (strcmp(digest_names[i], name) != 0) i++;
  return i;
}

static void texts_come_in_pieces(void **state) {
  (void)state;
  Digest *digest = digest_new(find_digest("sha256"));
  digest_add(digest, "ab", 2);
  digest_add(digest, "", 0);
  digest_add(digest, "c", 1);
  assert_ends(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  digest = digest_new_keyed(find_digest("sha256"), "Jefe", 4);
  digest_add(digest, "what do ya want ", 16);
  digest_add(digest, "for nothing?", 12);
  assert_ends(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void an_empty_key_is_one(void **state) {
  (void)state;
  Digest *digest = digest_new_keyed(find_digest("sha256"), NULL, 0);
  assert_non_null(digest);
  assert_ends(digest, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void one_that_is_given_up_is_released(void **state) {
  (void)state;
  digest_free(digest_new(find_digest("sha512")));
  digest_free(digest_new_keyed(find_digest("sha512"), "key", 3));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_digests),
      cmocka_unit_test(every_length_around_a_block),
      cmocka_unit_test(texts_come_in_pieces),
      cmocka_unit_test(an_empty_key_is_one),
      cmocka_unit_test(one_that_is_given_up_is_released),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
