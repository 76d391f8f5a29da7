/* What --allow says, and which folder a script reaches by it. */
#include "folder_env.h"

#include <fcntl.h>

#include "data/folders.h"

static void assert_refused(const char *text, const char *words) {
  Folders folders = {0};
  Error err;
  if (folders_allow(&folders, text, &err) == 0) fail_msg("taken: %s", text);
  if (!strstr(err.message, words)) fail_msg("%s: %s", text, err.message);
  assert_null(folders.first);
}

static void grants_are_read(void **state) {
  (void)state;
  Folders folders = {0};
  Error err;
  mkdir("in", 0755);
  mkdir("in:write", 0755);
  assert_int_equal(folders_allow(&folders, "bot:files=in", &err), 0);
  assert_int_equal(folders_allow(&folders, "bot:files=in/:write", &err), 0);
  assert_int_equal(folders_allow(&folders, "other:files=/", &err), 0);
  assert_int_equal(folders_allow(&folders, "other:files=in:write/", &err), 0);
  ScriptFolders *bot = folders_of(&folders, "bot"),
                *other = folders_of(&folders, "other");
  assert_int_equal(bot->count, 2);
  assert_string_equal(bot->list[0].dir, "in");
  assert_false(bot->list[0].write);
  assert_string_equal(bot->list[1].dir, "in");
  assert_true(bot->list[1].write);
  assert_string_equal(other->list[0].dir, "/");
  assert_string_equal(other->list[1].dir, "in:write");
  assert_false(other->list[1].write);
  assert_null(folders_of(&folders, "bo"));
  assert_null(folders_of(NULL, "bot"));
  assert_ptr_equal(folders_unused(&folders), bot);
  folders_use(&folders, "bot");
  assert_ptr_equal(folders_unused(&folders), other);
  folders_use(&folders, "other");
  folders_use(&folders, "nobody");
  assert_null(folders_unused(&folders));
  assert_false(folders_busy(&folders) || folders_busy(NULL));
  FileJob job;
  other->queue.first = &job;
  assert_true(folders_busy(&folders));
  folders_free(&folders);
}

static void others_are_refused(void **state) {
  (void)state;
  write_file("file", "");
  mkfifo("pipe", 0600);
  static const char *const wrong[] = {"",
                                      "bot",
                                      "bot:",
                                      "bot:files",
                                      "bot:files=",
                                      ":files=.",
                                      "bot:files=:write",
                                      "bot:net=.",
                                      "b/t:files=.",
                                      "files=."};
  for (size_t i = 0; i < COUNT_OF(wrong); i++) assert_refused(wrong[i], "NAME:files=DIR");
  assert_refused("bot:files=none", "No such file");
  assert_refused("bot:files=file", "Not a directory");
  assert_refused("bot:files=pipe:write", "Not a directory");
}

/* It is the folder of the start, whatever has its name later. */
static void a_folder_that_is_replaced_is_not_reached(void **state) {
  (void)state;
  Folders folders = {0};
  Error err;
  write_file("in/mine", "");
  write_file("out/secret", "");
  assert_int_equal(folders_allow(&folders, "bot:files=in", &err), 0);
  rename("in", "moved");
  make_link("out", "in");
  int fd = folders_of(&folders, "bot")->list[0].fd;
  assert_int_equal(faccessat(fd, "mine", F_OK, 0), 0);
  assert_int_equal(faccessat(fd, "secret", F_OK, 0), -1);
  folders_free(&folders);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      folder_test(grants_are_read), folder_test(others_are_refused),
      folder_test(a_folder_that_is_replaced_is_not_reached)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
