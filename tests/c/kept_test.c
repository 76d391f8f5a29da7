/* What a script keeps over restarts: the latest is written, as a whole, and what cannot
 * be used is set aside, never overwritten. */
#include "persist_env.h"

#include "data/kept.h"

enum { LIMIT = 1000 };

static const KeptTable keep_table = {"keep", "of the script"};

static Kept *open_kept(Env *e, const char *name, const char *expected,
                       int64_t expected_version) {
  Buffer bytes = {0};
  int64_t version;
  Error err;
  Kept *kept = kept_open(e->db, &keep_table, name, LIMIT, &bytes, &version, &err);
  if (!kept) fail_msg("%s", err.message);
  assert_int_equal(err.code, ERR_NONE);
  assert_string_equal(buffer_text(&bytes), expected);
  assert_int_equal(version, expected_version);
  buffer_free(&bytes);
  return kept;
}

static void write_text(Kept *kept, const char *text, int64_t version) {
  Buffer bytes = {0};
  buffer_puts(&bytes, text);
  kept_write(kept, &bytes, version);
  assert_int_equal(bytes.len, 0); /* they were taken */
}

static void close_kept(Env *e, Kept *kept) {
  kept_close(kept);
  env_reopen(e);
}

static void what_was_written_is_found(void **state) {
  Env *e = *state;
  Kept *kept = open_kept(e, "bot", "", -1);
  write_text(kept, "one", 3);
  close_kept(e, kept);
  kept_close(open_kept(e, "bot", "one", 3));
  kept_close(open_kept(e, "other", "", -1));
}

static void the_latest_counts(void **state) {
  Env *e = *state;
  Kept *kept = open_kept(e, "bot", "", -1);
  char text[16];
  for (int i = 0; i < 100; i++) {
    snprintf(text, sizeof text, "n%d", i);
    write_text(kept, text, i);
  }
  close_kept(e, kept); /* the first is under way, the last waits */
  kept_close(open_kept(e, "bot", "n99", 99));
  assert_int_equal(env_number(e, "SELECT count(*) FROM keep"), 1);
}

static void who_opens_and_closes_changes_nothing(void **state) {
  Env *e = *state;
  Kept *kept = open_kept(e, "bot", "", -1);
  write_text(kept, "text", 1);
  close_kept(e, kept);
  kept = open_kept(e, "bot", "text", 1);
  Error err;
  kept_quarantine(kept, "it is broken", &err);
  assert_int_equal(err.code, ERR_DECODE);
  assert_non_null(
      strstr(err.message, "it is broken; what was kept of the script bot is set aside"));
  close_kept(e, kept);
  kept_close(open_kept(e, "bot", "text", 1));
}

static void what_is_set_aside_stays_under_another_name(void **state) {
  Env *e = *state;
  Kept *kept = open_kept(e, "bot", "", -1);
  write_text(kept, "old", 1);
  close_kept(e, kept);
  kept = open_kept(e, "bot", "old", 1);
  Error err;
  kept_quarantine(kept, "why", &err);
  write_text(kept, "new", 2);
  close_kept(e, kept);
  kept_close(open_kept(e, "bot", "new", 2));
  assert_int_equal(env_number(e,
                              "SELECT count(*) FROM keep WHERE name LIKE 'bot~broken-%'"
                              " AND bytes = CAST('old' AS BLOB)"),
                   1);
}

static void what_is_too_large_is_set_aside(void **state) {
  Env *e = *state;
  char text[LIMIT + 2];
  memset(text, 'x', sizeof text);
  text[LIMIT] = '\0';
  Kept *kept = open_kept(e, "bot", "", -1);
  write_text(kept, text, 1);
  close_kept(e, kept);
  kept = open_kept(e, "bot", text, 1); /* it just fits */
  text[LIMIT] = 'x', text[LIMIT + 1] = '\0';
  write_text(kept, text, 1);
  close_kept(e, kept);
  Buffer bytes = {0};
  int64_t version;
  Error err;
  kept = kept_open(e->db, &keep_table, "bot", LIMIT, &bytes, &version, &err);
  assert_non_null(kept);
  assert_int_equal(version, -1);
  assert_int_equal(bytes.len, 0);
  assert_non_null(
      strstr(err.message, "it is too large; what was kept of the script bot"));
  kept_close(kept);
}

#define kept_test(f) cmocka_unit_test_setup_teardown(f, env_setup, env_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      kept_test(what_was_written_is_found),
      kept_test(the_latest_counts),
      kept_test(who_opens_and_closes_changes_nothing),
      kept_test(what_is_set_aside_stays_under_another_name),
      kept_test(what_is_too_large_is_set_aside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
