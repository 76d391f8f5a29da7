/* permessage-deflate: what is offered, and which answers are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/deflate.h"

static void expect_offer(DeflateOptions o, const char *expected) {
  Buffer out = {0};
  deflate_put_offer(&out, &o);
  assert_string_equal(buffer_text(&out), expected);
  buffer_free(&out);
}

static void offers(void **state) {
  (void)state;
  expect_offer((DeflateOptions){.enabled = true},
               "permessage-deflate; client_max_window_bits");
  expect_offer((DeflateOptions){.client_no_takeover = true,
                                .server_no_takeover = true,
                                .client_bits = 10,
                                .server_bits = 9},
               "permessage-deflate; server_no_context_takeover; "
               "client_no_context_takeover; server_max_window_bits=9; "
               "client_max_window_bits=10");
}

static DeflateOptions strict = {
    .enabled = true, .server_no_takeover = true, .server_bits = 10, .client_bits = 12};

static int judge(const DeflateOptions *o, const char *answer, DeflateTerms *t) {
  const char *wrong = NULL;
  int code = deflate_judge(o, answer, answer ? strlen(answer) : 0, t, &wrong);
  if (code) assert_non_null(wrong);
  return code;
}

static void answers_that_agree(void **state) {
  (void)state;
  DeflateOptions plain = {.enabled = true};
  DeflateTerms t;
  assert_int_equal(judge(&plain, NULL, &t), 0);
  assert_false(t.agreed);
  assert_int_equal(judge(&plain, "permessage-deflate", &t), 0);
  assert_true(t.agreed && t.client_bits == 15 && t.server_bits == 15);
  assert_false(t.client_no_takeover || t.server_no_takeover);
  assert_int_equal(judge(&plain,
                         "permessage-deflate ;client_no_context_takeover; "
                         "client_max_window_bits=\"8\" ; server_max_window_bits = 9;"
                         "server_no_context_takeover",
                         &t),
                   0);
  assert_true(t.client_no_takeover && t.server_no_takeover);
  assert_true(t.client_bits == 8 && t.server_bits == 9);
  assert_int_equal(judge(&strict,
                         "permessage-deflate; server_no_context_takeover; "
                         "server_max_window_bits=10",
                         &t),
                   0);
  assert_true(t.client_bits == 12 && t.server_bits == 10 && t.server_no_takeover);
}

static void answers_that_do_not(void **state) {
  (void)state;
  static const char *const answers[] = {
      "",
      "permessage-deflat",
      "x-webkit-deflate-frame",
      "permessage-deflate, permessage-deflate",
      "permessage-deflate; nonsense",
      "permessage-deflate;",
      "permessage-deflate; server_no_context_takeover=1",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate; client_max_window_bits=7",
      "permessage-deflate; client_max_window_bits=16",
      "permessage-deflate; client_max_window_bits=08",
      "permessage-deflate; client_max_window_bits=\"8",
      "permessage-deflate; client_max_window_bits=9; client_max_window_bits=9",
      "permessage-deflate; server_max_window_bits=1 5"};
  DeflateOptions plain = {.enabled = true};
  DeflateTerms t;
  for (size_t i = 0; i < COUNT_OF(answers); i++)
    if (judge(&plain, answers[i], &t) == 0) fail_msg("taken: %s", answers[i]);
  assert_int_equal(judge(NULL, "permessage-deflate", &t), -1);
  assert_int_equal(judge(&(DeflateOptions){0}, "permessage-deflate", &t), -1);
  /* less than what was asked */
  assert_int_equal(judge(&strict, "permessage-deflate", &t), -1);
  assert_int_equal(judge(&strict, "permessage-deflate; server_no_context_takeover", &t),
                   -1);
  assert_int_equal(judge(&strict,
                         "permessage-deflate; server_no_context_takeover; "
                         "server_max_window_bits=11",
                         &t),
                   -1);
  assert_int_equal(judge(&strict,
                         "permessage-deflate; server_no_context_takeover; "
                         "server_max_window_bits=10; client_max_window_bits=13",
                         &t),
                   -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(offers),
      cmocka_unit_test(answers_that_agree),
      cmocka_unit_test(answers_that_do_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
