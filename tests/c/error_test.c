/* Error values, and docs/errors.md, which is written from the list of codes:
 * `TIDELOCK_WRITE_DOCS=1 build/tests/error_test` writes it anew. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buffer.h"
#include "core/error.h"

static const char docs_path[] = "docs/errors.md";

static void fills_and_returns(void **state) {
  (void)state;
  Error err;
  memset(&err, 0xAA, sizeof err);
  assert_int_equal(error_set(&err, ERR_TLS, "%s: %d", "bad", 7), ERR_TLS);
  assert_int_equal(err.code, ERR_TLS);
  assert_string_equal(err.message, "bad: 7");
  assert_string_equal(err.detail, "");
  assert_true(err.phase == NULL && err.sent == SENT_NOT_APPLICABLE &&
              err.retry_after == 0);
  error_detail(&err, "%500s", "wide");
  assert_int_equal(strlen(err.detail), sizeof err.detail - 1);
  assert_string_equal(err.message, "bad: 7");
}

static void names_lead_to_codes(void **state) {
  (void)state;
  for (ErrorCode code = 1; code < ERR_COUNT; code++)
    assert_int_equal(error_code(error_name(code)), code);
  assert_int_equal(error_code("NONE"), ERR_NONE);
  assert_int_equal(error_code("NO_SUCH"), ERR_NONE);
  assert_int_equal(error_code(""), ERR_NONE);
}

static void each_code_is_described(void **state) {
  (void)state;
  for (ErrorCode code = 1; code < ERR_COUNT; code++) {
    for (const char *p = error_name(code); *p; p++) assert_true(isupper(*p) || *p == '_');
    assert_true(strlen(error_meaning(code)) > 10);
    assert_null(strchr(error_meaning(code), '|'));
    assert_non_null(strstr("low medium high critical", error_severity(code)));
  }
  assert_true(error_recoverable(ERR_TIMEOUT));
  assert_false(error_recoverable(ERR_TLS));
  assert_string_equal(error_severity(ERR_INTERNAL), "critical");
  assert_null(error_sent(SENT_NOT_APPLICABLE));
  assert_string_equal(error_sent(SENT_UNKNOWN), "unknown");
}

static void put_docs(Buffer *out) {
  buffer_puts(
      out,
      "# Errors\n\n"
      "What may fail in the normal course of things returns `nil, err`; misuse (a wrong\n"
      "argument, say) raises. `err` is a table:\n\n"
      "| field | what it holds |\n|---|---|\n"
      "| `code` | one of the codes below, or a script's own |\n"
      "| `message` | what happened, where, what to do; for developers |\n"
      "| `detail` | the library's or server's own words |\n"
      "| `severity` | `low`, `medium`, `high`, `critical` |\n"
      "| `recoverable` | whether trying again later may help |\n"
      "| `retry_after` | seconds to wait first, if the server named any |\n"
      "| `phase` | of a TIMEOUT: what took too long (`dns`, `connect`, `tls`, ...) |\n"
      "| `sent` | whether the request reached the server: `no`, `yes`, `unknown` |\n"
      "| `cause` | the error or text that `errors.wrap` was given |\n"
      "| `time` | when, in wall-clock seconds |\n\n"
      "`tostring(err)` reads `CODE: message (phase: ...) <- CODE: cause`. Make your own\n"
      "with `errors.new{code = \"LIKE_THIS\", message = ...}`, look at one with\n"
      "`errors.is(err, \"TIMEOUT\")`; `errors.codes` is the table below.\n\n"
      "| code | severity | recoverable | meaning |\n|---|---|---|---|\n");
  for (ErrorCode code = 1; code < ERR_COUNT; code++)
    buffer_printf(out, "| `%s` | %s | %s | %s |\n", error_name(code),
                  error_severity(code), error_recoverable(code) ? "yes" : "no",
                  error_meaning(code));
}

static void write_docs(Buffer *want) {
  FILE *out = fopen(docs_path, "w");
  assert_non_null(out);
  assert_int_equal(fwrite(want->data, 1, want->len, out), want->len);
  assert_int_equal(fclose(out), 0);
}

static void docs_are_up_to_date(void **state) {
  (void)state;
  Buffer want = {0}, have = {0};
  put_docs(&want);
  if (getenv("TIDELOCK_WRITE_DOCS")) write_docs(&want);
  FILE *in = fopen(docs_path, "r");
  if (!in) fail_msg("no %s (run from the top of the source tree)", docs_path);
  have.len = fread(buffer_reserve(&have, 1 << 16), 1, 1 << 16, in);
  fclose(in);
  if (have.len != want.len || memcmp(have.data, want.data, want.len) != 0)
    fail_msg("%s differs from the list of codes: TIDELOCK_WRITE_DOCS=1 %s", docs_path,
             "build/tests/error_test writes it anew");
  buffer_free(&want);
  buffer_free(&have);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fills_and_returns),
      cmocka_unit_test(names_lead_to_codes),
      cmocka_unit_test(each_code_is_described),
      cmocka_unit_test(docs_are_up_to_date),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
