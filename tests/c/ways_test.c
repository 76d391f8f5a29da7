/* Where a change would be one of a script's sources: every name that decides it, once. */
#include "folder_env.h"

#include "core/buffer.h"
#include "sources/ways.h"

/* "dir/name dir/? ...", in the order in which they were added; "?" is any source. */
static void assert_ways(const Ways *ways, const char *expected) {
  Buffer text = {0};
  for (size_t i = 0; i < ways->count; i++)
    buffer_printf(&text, "%s%s/%s", i ? " " : "", ways->list[i].dir,
                  ways->list[i].name ? ways->list[i].name : "?");
  assert_string_equal(buffer_text(&text), expected);
  buffer_free(&text);
}

static void assert_followed(const char *path, const char *expected) {
  Ways ways = {0};
  ways_follow(&ways, path);
  assert_ways(&ways, expected);
  ways_free(&ways);
}

static void each_is_there_once(void **state) {
  (void)state;
  Ways ways = {0};
  ways_add(&ways, "a", "x");
  ways_add(&ways, "a", NULL);
  ways_add(&ways, "b", "x");
  ways_add(&ways, "a", "y");
  ways_add(&ways, "a", "x");
  ways_add(&ways, "a", NULL);
  assert_ways(&ways, "a/x a/? b/x a/y");
  ways_free(&ways);
  assert_int_equal(ways.count, 0);
  assert_null(ways.list);
}

static void names_are_copied(void **state) {
  (void)state;
  char dir[] = "dir", name[] = "name";
  Ways ways = {0};
  ways_add(&ways, dir, name);
  dir[0] = name[0] = 'X';
  assert_ways(&ways, "dir/name");
  ways_free(&ways);
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
