/* Error values, and docs/errors.md, whose table is written from the list of codes:
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

static const char table_head[] =
    "| code | severity | recoverable | meaning |\n|---|---|---|---|\n";

static void put_table(Buffer *out) {
  buffer_puts(out, table_head);
  for (ErrorCode code = 1; code < ERR_COUNT; code++)
    buffer_printf(out, "| `%s` | %s | %s | %s |\n", error_name(code),
                  error_severity(code), error_recoverable(code) ? "yes" : "no",
                  error_meaning(code));
}

static void read_page(Buffer *page) {
  FILE *in = fopen(docs_path, "r");
  if (!in) fail_msg("no %s (run from the top of the source tree)", docs_path);
  page->len = fread(buffer_reserve(page, 1 << 16), 1, 1 << 16, in);
  fclose(in);
}

/* The page with the table in place of the one at its end. */
static void write_page(const Buffer *page, size_t table_at, const Buffer *table) {
  FILE *out = fopen(docs_path, "w");
  assert_non_null(out);
  assert_int_equal(fwrite(page->data, 1, table_at, out), table_at);
  assert_int_equal(fwrite(table->data, 1, table->len, out), table->len);
  assert_int_equal(fclose(out), 0);
}

static void docs_end_with_the_codes(void **state) {
  (void)state;
  Buffer want = {0}, page = {0};
  put_table(&want);
  read_page(&page);
  const char *table = strstr(buffer_text(&page), table_head);
  if (!table) fail_msg("%s has no table of the codes", docs_path);
  size_t at = (size_t)(table - page.data);
  bool same = page.len - at == want.len && memcmp(table, want.data, want.len) == 0;
  if (!same && getenv("TIDELOCK_WRITE_DOCS")) write_page(&page, at, &want);
  else if (!same)
    fail_msg("%s differs from the list of codes: TIDELOCK_WRITE_DOCS=1 %s", docs_path,
             "build/tests/error_test writes its table anew");
  buffer_free(&want);
  buffer_free(&page);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fills_and_returns),
      cmocka_unit_test(names_lead_to_codes),
      cmocka_unit_test(each_code_is_described),
      cmocka_unit_test(docs_end_with_the_codes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
