/* Names below which strangers own names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <curl/curl.h>

#include "net/public_suffix.h"

static void names_of_one_label_are_public(void **state) {
  (void)state;
  const PublicSuffixes suffixes = public_suffixes_find();
  assert_true(public_suffix(&suffixes, "com"));
  assert_true(public_suffix(&suffixes, "uk"));
  assert_true(public_suffix(&suffixes, "no-such-top-level"));
  assert_false(public_suffix(&suffixes, "example.com"));
  assert_false(public_suffix(&suffixes, "a.example.com"));
}

/* Where curl was built with the list it is there; what it says is its own. */
static void the_list_is_that_of_curl(void **state) {
  (void)state;
  const PublicSuffixes suffixes = public_suffixes_find();
  bool has = curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_PSL;
  assert_int_equal((suffixes.list != NULL), has);
  assert_int_equal(public_suffix(&suffixes, "co.uk"), has);
  assert_int_equal(public_suffix(&suffixes, "github.io"), has);
  assert_false(public_suffix(&suffixes, "bbc.co.uk"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names_of_one_label_are_public),
                                     cmocka_unit_test(the_list_is_that_of_curl)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
