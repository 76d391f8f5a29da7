/* Moving a database aside and back: all of its files, and a move that was cut off. */
#include "folder_env.h"

#include "core/buffer.h"
#include "data/db_aside.h"

static void assert_text(const char *path, const char *expected) {
  char text[64] = "";
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("there is no %s", path);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  assert_string_equal(text, expected);
}

static bool is_there(const char *path) {
  return access(path, F_OK) == 0;
}

static char *moved_aside(const char *name) {
  Error err;
  char *aside;
  if (aside_move(".", name, &aside, &err) != 0) fail_msg("%s", err.message);
  assert_false(aside_pending("."));
  return aside;
}

static void all_files_go_together(void **state) {
  (void)state;
  write_file("state.db", "db");
  write_file("state.db-wal", "wal");
  char *aside = moved_aside(NULL);
  assert_true(aside_is_one(aside));
  assert_text(aside, "db");
  char *wal = xasprintf("%s-wal", aside);
  assert_text(wal, "wal");
  assert_false(is_there("state.db") || is_there("state.db-wal"));
  free(wal);
  free(aside);
}

static void where_nothing_is_nothing_moves(void **state) {
  (void)state;
  char *aside = moved_aside(NULL);
  assert_null(aside);
}

static void each_gets_a_name_of_its_own(void **state) {
  (void)state;
  write_file("state.db", "1");
  char *first = moved_aside(NULL);
  write_file("state.db", "2");
  char *second = moved_aside(NULL);
  assert_string_not_equal(first, second);
  assert_text(first, "1");
  assert_text(second, "2");
  free(first);
  free(second);
}

static void one_comes_back_in_its_place(void **state) {
  (void)state;
  write_file("state.db.broken-1", "old");
  write_file("state.db.broken-1-wal", "old wal");
  write_file("state.db", "new");
  char *aside = moved_aside("state.db.broken-1");
  assert_text("state.db", "old");
  assert_text("state.db-wal", "old wal");
  assert_text(aside, "new");
  assert_false(is_there("state.db.broken-1"));
  free(aside);
}

/* What a process leaves that ended at any moment of the move. */
static void a_move_that_was_cut_off_is_finished(void **state) {
  (void)state;
  Error err;
  write_file("state.db", "new");
  write_file("state.db.broken-1", "old");
  write_file("state.db.plan-1", "state.db.broken-2\nstate.db.broken-1\n");
  assert_true(aside_pending("."));
  assert_int_equal(aside_finish(".", &err), 0);
  assert_false(aside_pending("."));
  assert_text("state.db", "old");
  assert_text("state.db.broken-2", "new");

  write_file("state.db.plan-2", "state.db.broken-3\nstate.db.broken-2\n");
  CHECK(rename("state.db", "state.db.broken-3") == 0); /* the first step was done */
  assert_int_equal(aside_finish(".", &err), 0);
  assert_text("state.db", "new");
  assert_text("state.db.broken-3", "old");
}

static void a_plan_that_is_none_moves_nothing(void **state) {
  (void)state;
  const char *const texts[] = {"",
                               "state.db.broken-1\n",
                               "../x\n\n",
                               "notes\n\n",
                               "state.db.broken-1\n../state.db\n",
                               "a\nb\nc\n"};
  Error err;
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    write_file("state.db", "db");
    write_file("notes", "notes");
    write_file("state.db.plan-1", texts[i]);
    assert_int_equal(aside_finish(".", &err), 0);
    assert_false(aside_pending("."));
    assert_text("state.db", "db");
    assert_text("notes", "notes");
  }
}

static void names_of_databases_that_were_moved(void **state) {
  (void)state;
  assert_true(aside_is_one("state.db.broken-1700000000"));
  assert_true(aside_is_one("state.db.broken-1700000000.1"));
  assert_false(aside_is_one("state.db.broken-1700000000-wal"));
  assert_false(aside_is_one("state.db.broken-1700000000-shm"));
  assert_false(aside_is_one("state.db"));
  assert_false(aside_is_one("state.db.broken-1/../../x"));
  char *name = aside_new_name("client:chat");
  assert_int_equal(strncmp(name, "client:chat~broken-", 19), 0);
  free(name);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_folder, close_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(all_files_go_together),
      TEST(where_nothing_is_nothing_moves),
      TEST(each_gets_a_name_of_its_own),
      TEST(one_comes_back_in_its_place),
      TEST(a_move_that_was_cut_off_is_finished),
      TEST(a_plan_that_is_none_moves_nothing),
      TEST(names_of_databases_that_were_moved),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
