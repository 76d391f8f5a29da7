/* Base64: what RFC 4648 says, and no other spelling of the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/base64.h"

static void assert_both_ways(const char *bytes, size_t len, const char *text) {
  char out[64];
  base64_encode(bytes, len, out);
  assert_string_equal(out, text);
  assert_int_equal(strlen(out), BASE64_LEN(len));
  assert_int_equal(base64_decode(text, strlen(text), out), len);
  assert_memory_equal(out, bytes, len);
}

static void the_examples_of_the_rfc(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    assert_both_ways(cases[i][0], strlen(cases[i][0]), cases[i][1]);
}

static void every_byte_comes_back(void **state) {
  (void)state;
  assert_both_ways("\xff\xfe\xfd", 3, "//79");
  assert_both_ways("\xfb\xef\xbe", 3, "++++");
  char bytes[256], text[BASE64_LEN(256) + 1], back[256];
  for (int i = 0; i < 256; i++) bytes[i] = (char)i;
  for (size_t len = 0; len <= sizeof bytes; len++) {
    base64_encode(bytes, len, text);
    assert_int_equal(base64_decode(text, BASE64_LEN(len), back), len);
    assert_memory_equal(back, bytes, len);
  }
}

static void other_spellings_are_refused(void **state) {
  (void)state;
  static const char *const cases[] = {"Z",    "Zg",   "Zg=",  "Zg==Zg==", "=",
                                      "====", "Z===", "Zm9=", "Zh==",     "Zm9v\n",
                                      "Zm-v", "Zm_v", " Zm9", "Zg=g"};
  char out[16];
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    if (base64_decode(cases[i], strlen(cases[i]), out) != -1)
      fail_msg("taken: %s", cases[i]);
}

static void it_may_be_decoded_in_place(void **state) {
  (void)state;
  char text[] = "Zm9vYmFy";
  assert_int_equal(base64_decode(text, strlen(text), text), 6);
  assert_memory_equal(text, "foobar", 6);
}

static void the_other_forms(void **state) {
  (void)state;
  static const Base64Form forms[] = {
      {0}, {.bare = true}, {.url = true}, {.url = true, .bare = true}};
  static const char *const texts[] = {"++++/w==", "++++/w", "----_w==", "----_w"};
  static const char bytes[] = "\xfb\xef\xbe\xff";
  char out[16];
  for (size_t i = 0; i < COUNT_OF(forms); i++) {
    size_t len = base64_write(forms[i], bytes, 4, out);
    assert_int_equal(len, strlen(texts[i]));
    assert_memory_equal(out, texts[i], len);
    for (size_t j = 0; j < COUNT_OF(texts); j++) {
      long read = base64_read(forms[i], texts[j], strlen(texts[j]), out);
      assert_int_equal(read, i == j ? 4 : -1);
    }
  }
  assert_int_equal(base64_read((Base64Form){.bare = true}, "Z", 1, out), -1);
  assert_int_equal(base64_read((Base64Form){.bare = true}, "Zh", 2, out), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_examples_of_the_rfc),
      cmocka_unit_test(every_byte_comes_back),
      cmocka_unit_test(other_spellings_are_refused),
      cmocka_unit_test(it_may_be_decoded_in_place),
      cmocka_unit_test(the_other_forms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
