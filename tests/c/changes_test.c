/* Which files differ between two readings of a script: those that a load has used. */
#include "folder_env.h"

#include "sources/changes.h"

static Sources *read_used(const char *const *modules) {
  Error err;
  Sources *sources = sources_read("bot", &err);
  if (!sources) fail_msg("%s", err.message);
  for (; *modules; modules++) sources_use(sources, *modules);
  return sources;
}

/* Takes both; "path path ..." */
static void assert_changes(Sources *old, Sources *fresh, const char *expected) {
  Changes changes = sources_changes(old, fresh);
  Buffer text = {0};
  for (size_t i = 0; i < changes.count; i++)
    buffer_printf(&text, "%s%s", i ? " " : "", changes.paths[i]);
  assert_string_equal(buffer_text(&text), expected);
  buffer_free(&text);
  changes_free(&changes);
  assert_int_equal(changes.count, 0);
  sources_free(old);
  sources_free(fresh);
}

static const char *const none[] = {NULL}, *const a[] = {"", "a", NULL};

static int open_bot(void **state) {
  if (open_folder(state) != 0) return -1;
  write_file("bot/main.lua", "main");
  write_file("bot/a.lua", "a");
  write_file("bot/b.lua", "b");
  return 0;
}

static void the_same_text_is_no_change(void **state) {
  (void)state;
  Sources *old = read_used(a);
  write_file("bot/a.lua", "a");
  assert_changes(old, read_used(a), "");
}

static void only_what_was_used_counts(void **state) {
  (void)state;
  Sources *old = read_used(a);
  write_file("bot/a.lua", "A"); /* of the same length */
  write_file("bot/b.lua", "b, longer");
  assert_changes(old, read_used(none), "bot/a.lua");
  old = read_used(none);
  write_file("bot/a.lua", "other");
  assert_changes(old, read_used(a), "bot/a.lua"); /* by the later load */
}

static void a_file_that_both_used_is_named_once(void **state) {
  (void)state;
  Sources *old = read_used(a);
  write_file("bot/a.lua", "other");
  write_file("bot/main.lua", "other");
  assert_changes(old, read_used(a), "bot/main.lua bot/a.lua");
}

static void a_file_that_came_or_went_is_a_change(void **state) {
  (void)state;
  const char *const both[] = {"a", "c", NULL};
  Sources *old = read_used(both);
  write_file("bot/c.lua", "c");
  CHECK(unlink("bot/a.lua") == 0);
  assert_changes(old, read_used(none), "bot/a.lua bot/c.lua");
}

static void a_module_that_moved_names_both_places(void **state) {
  (void)state;
  write_file("lib/a.lua", "a");
  Sources *old = read_used(a);
  CHECK(unlink("bot/a.lua") == 0);
  assert_changes(old, read_used(a), "lib/a.lua bot/a.lua");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bot, close_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_same_text_is_no_change),
      TEST(only_what_was_used_counts),
      TEST(a_file_that_both_used_is_named_once),
      TEST(a_file_that_came_or_went_is_a_change),
      TEST(a_module_that_moved_names_both_places),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
