/* Who has a folder, and whether a file is still the one that was opened. */
#include "folder_env.h"

#include <sys/wait.h>

#include "data/db_place.h"

static void one_has_the_folder(void **state) {
  (void)state;
  Error err;
  int fd = place_lock(".", "wait", &err);
  assert_true(fd >= 0);
  struct stat st;
  assert_int_equal(stat("state.lock", &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(place_lock(".", "wait for it", &err), -1);
  assert_int_equal(err.code, ERR_BUSY);
  char *expected =
      xasprintf("the data in . is in use by another tidelock, process %ld: wait for it",
                (long)getpid());
  assert_string_equal(err.message, expected);
  free(expected);
  close(fd);
  fd = place_lock(".", "", &err);
  assert_true(fd >= 0);
  close(fd);
}

static void it_goes_with_its_process(void **state) {
  (void)state;
  Error err;
  pid_t child = fork();
  if (child == 0) _exit(place_lock(".", "", &err) >= 0 ? 7 : 1);
  int status;
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  int fd = place_lock(".", "", &err);
  assert_true(fd >= 0);
  close(fd);
}

static void who_has_it_may_be_unknown(void **state) {
  (void)state;
  Error err;
  int fd = place_lock(".", "", &err);
  write_file("state.lock", "12x\n"); /* the digits alone are shown */
  assert_int_equal(place_lock(".", "a", &err), -1);
  assert_non_null(strstr(err.message, "process 12: a"));
  write_file("state.lock", "");
  assert_int_equal(place_lock(".", "a", &err), -1);
  assert_non_null(strstr(err.message, "process unknown: a"));
  close(fd);
}

static void a_folder_that_is_not_there(void **state) {
  (void)state;
  Error err;
  assert_int_equal(place_lock("gone", "", &err), -1);
  assert_int_equal(err.code, ERR_IO);
  assert_non_null(strstr(err.message, "cannot open gone/state.lock"));
}

static void a_file_is_known_again(void **state) {
  (void)state;
  write_file("a", "");
  FileId id = file_id("a");
  assert_true(id.known);
  assert_false(file_id_gone(&id, "a"));
  write_file("a", "more");
  assert_false(file_id_gone(&id, "a"));
  write_file("b", "");
  CHECK(rename("b", "a") == 0);
  assert_true(file_id_gone(&id, "a"));
  CHECK(unlink("a") == 0);
  assert_true(file_id_gone(&id, "a"));
  FileId none = file_id("a");
  assert_false(none.known);
  assert_false(file_id_gone(&none, "a"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      folder_test(one_has_the_folder),        folder_test(it_goes_with_its_process),
      folder_test(who_has_it_may_be_unknown), folder_test(a_folder_that_is_not_there),
      folder_test(a_file_is_known_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
