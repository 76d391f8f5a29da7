/* Where a change would be one of a script's sources: every name that decides it, once. */
#include "folder_env.h"

#include "core/buffer.h"
#include "sources/watch_points.h"

/* "dir/name dir/? ...", in the order in which they were added; "?" is any source. */
static void assert_ways(const WatchPoints *points, const char *expected) {
  Buffer text = {0};
  for (size_t i = 0; i < points->count; i++)
    buffer_printf(&text, "%s%s/%s", i ? " " : "", points->list[i].dir,
                  points->list[i].name ? points->list[i].name : "?");
  assert_string_equal(buffer_text(&text), expected);
  buffer_free(&text);
}

static void assert_followed(const char *path, const char *expected) {
  WatchPoints points = {0};
  watch_points_follow(&points, path);
  assert_ways(&points, expected);
  watch_points_free(&points);
}

static void each_is_there_once(void **state) {
  (void)state;
  WatchPoints points = {0};
  watch_points_add(&points, "a", "x");
  watch_points_add(&points, "a", NULL);
  watch_points_add(&points, "b", "x");
  watch_points_add(&points, "a", "y");
  watch_points_add(&points, "a", "x");
  watch_points_add(&points, "a", NULL);
  assert_ways(&points, "a/x a/? b/x a/y");
  watch_points_free(&points);
  assert_int_equal(points.count, 0);
  assert_null(points.list);
}

static void names_are_copied(void **state) {
  (void)state;
  char dir[] = "dir", name[] = "name";
  WatchPoints points = {0};
  watch_points_add(&points, dir, name);
  dir[0] = name[0] = 'X';
  assert_ways(&points, "dir/name");
  watch_points_free(&points);
}

static void a_plain_path_is_its_last_name(void **state) {
  (void)state;
  write_file("a/b/c.lua", "");
  assert_followed("a/b/c.lua", "a/b/c.lua");
  assert_followed("./a//b/c.lua", "a/b/c.lua");
  assert_followed("a/b/", "a/b");
}

static void what_is_missing_ends_the_way(void **state) {
  (void)state;
  write_file("a/here", "");
  assert_followed("a/gone/c.lua", "a/gone");
  assert_followed("gone", "./gone");
}

static void each_link_on_the_way_counts(void **state) {
  (void)state;
  write_file("v1/c.lua", "");
  make_link("v1", "current");
  assert_followed("current/c.lua", "./current v1/c.lua");
  make_link("current/c.lua", "bot.lua");
  assert_followed("bot.lua", "./bot.lua ./current v1/c.lua");
}

static void a_link_may_be_absolute_or_dangle(void **state) {
  (void)state;
  write_file("v1/c.lua", "");
  char *target = xasprintf("%s/v1", test_folder);
  char *expected = xasprintf("./there %s/c.lua", target);
  make_link(target, "there");
  assert_followed("there/c.lua", expected);
  make_link("nowhere", "dangling");
  assert_followed("dangling", "./dangling ./nowhere");
  free(expected);
  free(target);
}

static void links_in_a_circle_end(void **state) {
  (void)state;
  make_link("b", "a");
  make_link("a", "b");
  assert_followed("a", "./a ./b");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_is_there_once),
      cmocka_unit_test(names_are_copied),
      folder_test(a_plain_path_is_its_last_name),
      folder_test(what_is_missing_ends_the_way),
      folder_test(each_link_on_the_way_counts),
      folder_test(a_link_may_be_absolute_or_dangle),
      folder_test(links_in_a_circle_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
