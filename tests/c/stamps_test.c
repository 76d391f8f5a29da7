/* Changes found by looking: each kind of change is seen, once, and nothing else is. */
#include "folder_env.h"

#include <fcntl.h>

#include "sources/stamps.h"

/* Files are given times far apart, so that no two saves fall into one tick of the disk.
 */
static void set_time(const char *path, int seconds) {
  const struct timespec times[] = {{1000000 + seconds, 0}, {1000000 + seconds, 0}};
  CHECK(utimensat(AT_FDCWD, path, times, 0) == 0);
}

static Stamps look_at(const char *path) {
  Stamps stamps = {0};
  stamps_add(&stamps, path);
  stamps_changed(&stamps);
  assert_false(stamps_changed(&stamps));
  return stamps;
}

static void assert_changed_once(Stamps *stamps) {
  assert_true(stamps_changed(stamps));
  assert_false(stamps_changed(stamps));
}

static void a_save_is_seen_once(void **state) {
  (void)state;
  write_file("a.lua", "one");
  set_time("a.lua", 1);
  Stamps stamps = look_at("a.lua");
  write_file("a.lua", "more");
  assert_changed_once(&stamps);
  set_time("a.lua", 2);
  assert_changed_once(&stamps);
  stamps_free(&stamps);
}

static void coming_and_going_is_seen(void **state) {
  (void)state;
  Stamps stamps = look_at("a.lua");
  write_file("a.lua", "");
  assert_changed_once(&stamps);
  CHECK(unlink("a.lua") == 0);
  assert_changed_once(&stamps);
  stamps_free(&stamps);
}

static void a_file_put_in_its_place_is_seen(void **state) {
  (void)state;
  write_file("a.lua", "same");
  write_file("b.lua", "same");
  set_time("a.lua", 1);
  set_time("b.lua", 1);
  Stamps stamps = look_at("a.lua");
  CHECK(rename("b.lua", "a.lua") == 0);
  assert_changed_once(&stamps);
  stamps_free(&stamps);
}

static void a_link_is_what_it_leads_to(void **state) {
  (void)state;
  write_file("v1.lua", "");
  make_link("v1.lua", "a.lua");
  Stamps stamps = look_at("a.lua");
  write_file("v1.lua", "longer");
  assert_changed_once(&stamps);
  stamps_free(&stamps);
}

static void other_files_are_not_looked_at(void **state) {
  (void)state;
  write_file("a.lua", "");
  write_file("b.lua", "");
  Stamps stamps = look_at("a.lua");
  write_file("b.lua", "changed");
  assert_false(stamps_changed(&stamps));
  stamps_add(&stamps, "b.lua");
  assert_changed_once(&stamps);
  write_file("b.lua", "changed again");
  assert_changed_once(&stamps);
  stamps_free(&stamps);
}

static void ways_and_sources_are_looked_at(void **state) {
  (void)state;
  write_file("bot/main.lua", "");
  write_file("beside/x.lua", "");
  Error err;
  Sources *sources = sources_read("bot", &err);
  assert_non_null(sources);
  WatchPoints points = {0};
  watch_points_add(&points, "beside", "x.lua");
  watch_points_add(&points, "beside", NULL);
  Stamps stamps = {0};
  stamps_add(&stamps, "elsewhere");
  stamps_set(&stamps, &points, sources);
  assert_int_equal(stamps.count, 3);
  assert_string_equal(stamps.paths[0], "beside/x.lua");
  assert_string_equal(stamps.paths[1], "beside");
  assert_string_equal(stamps.paths[2], "bot/main.lua");
  stamps_changed(&stamps);
  write_file("bot/main.lua", "changed");
  assert_changed_once(&stamps);
  write_file("beside/y.lua", ""); /* the folder changes */
  assert_changed_once(&stamps);
  stamps_set(&stamps, &points, NULL);
  assert_int_equal(stamps.count, 2);
  stamps_join(&stamps, &points, sources);
  assert_int_equal(stamps.count, 5);
  stamps_free(&stamps);
  assert_int_equal(stamps.count, 0);
  watch_points_free(&points);
  sources_free(sources);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      folder_test(a_save_is_seen_once),
      folder_test(coming_and_going_is_seen),
      folder_test(a_file_put_in_its_place_is_seen),
      folder_test(a_link_is_what_it_leads_to),
      folder_test(other_files_are_not_looked_at),
      folder_test(ways_and_sources_are_looked_at),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
