/* Which script was probably meant, where none has the name that was given. */
#include "folder_env.h"

#include "sources/nearby.h"

static void assert_nearby(const char *path, const char *expected) {
  char *text = nearby_script(path);
  assert_string_equal(text, expected);
  free(text);
}

static void the_ending_is_offered_first(void **state) {
  (void)state;
  write_file("bot.lua", "");
  write_file("bots/main.lua", "");
  assert_nearby("bot", " (did you mean \"bot.lua\"?)");
}

static void a_name_with_a_slip_is_found(void **state) {
  (void)state;
  write_file("examples/echo_bot.lua", "");
  write_file("examples/backend/main.lua", "");
  assert_nearby("examples/ehco_bot.lua", " (did you mean \"examples/echo_bot.lua\"?)");
  assert_nearby("examples/bakend", " (did you mean \"examples/backend\"?)");
}

static void what_is_no_script_is_not_offered(void **state) {
  (void)state;
  write_file("bot.txt", "");
  write_file(".bot.lua", "");
  write_file("bots/readme.md", "");
  mkdir("bot.lua", 0755);
  assert_nearby("bot.lua2", "");
  assert_nearby("bott", "");
  assert_nearby("bot.tx", "");
  assert_nearby("bot", "");
}

static void nothing_is_offered_for_another_word(void **state) {
  (void)state;
  write_file("bot.lua", "");
  assert_nearby("server.lua", "");
  assert_nearby("none/bot.lua", "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_folder, close_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_ending_is_offered_first),
      TEST(a_name_with_a_slip_is_found),
      TEST(what_is_no_script_is_not_offered),
      TEST(nothing_is_offered_for_another_word),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
