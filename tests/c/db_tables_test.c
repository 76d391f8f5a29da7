/* The format of a database: what db_make_tables makes, and what db_read_format reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "data/db_tables.h"

static int open_memory(void **state) {
  return sqlite3_open(":memory:", (sqlite3 **)state);
}

static int close_memory(void **state) {
  return sqlite3_close(*state);
}

static void a_new_file_has_no_format(void **state) {
  int format = 7;
  assert_int_equal(db_read_format(*state, &format), SQLITE_OK);
  assert_int_equal(format, 0);
}

static void tables_are_made_once(void **state) {
  int format = 0;
  assert_int_equal(db_make_tables(*state), SQLITE_OK);
  assert_int_equal(db_read_format(*state, &format), SQLITE_OK);
  assert_int_equal(format, DB_FORMAT);
  assert_int_equal(db_run_sql(*state, "INSERT INTO store(name, version) VALUES('a', 1)"),
                   SQLITE_OK);
  assert_int_equal(db_make_tables(*state), SQLITE_OK); /* keeps what is there */
  assert_int_equal(db_run_sql(*state, "INSERT INTO store(name, version) VALUES('a', 1)"),
                   SQLITE_CONSTRAINT);
  assert_int_equal(db_run_sql(*state, "INSERT INTO row VALUES(1, 0, 'k', 0, '1')"),
                   SQLITE_OK);
  assert_int_equal(db_run_sql(*state, "INSERT INTO gone VALUES(1, '[]')"), SQLITE_OK);
}

static void tables_that_cannot_be_made_leave_no_transaction(void **state) {
  assert_int_equal(db_run_sql(*state, "CREATE TABLE a(b); PRAGMA query_only=1"),
                   SQLITE_OK);
  assert_int_not_equal(db_make_tables(*state), SQLITE_OK);
  assert_true(sqlite3_get_autocommit(*state));
  int format = 7;
  assert_int_equal(db_read_format(*state, &format), SQLITE_OK);
  assert_int_equal(format, 0);
}

static void a_full_file_refuses_writes(void **state) {
  assert_int_equal(db_make_tables(*state), SQLITE_OK);
  assert_int_equal(db_set_max_pages(*state, 8), SQLITE_OK);
  const char *large = "INSERT INTO row VALUES(1, 0, 'k', 0, zeroblob(100000))";
  assert_int_equal(db_run_sql(*state, large), SQLITE_FULL);
  assert_int_equal(db_set_max_pages(*state, 0), SQLITE_OK);
  assert_int_equal(db_run_sql(*state, large), SQLITE_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_memory, close_memory)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_new_file_has_no_format),
      TEST(tables_are_made_once),
      TEST(tables_that_cannot_be_made_leave_no_transaction),
      TEST(a_full_file_refuses_writes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
