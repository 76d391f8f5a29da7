/* Which files a script is made of, what their texts are, and what of them a hash tells.
 */
#include "folder_env.h"

#include "sources/sources.h"

static Sources *read_sources(const char *path) {
  Error err;
  Sources *sources = sources_read(path, &err);
  if (!sources) fail_msg("%s: %s", path, err.message);
  return sources;
}

/* "module=path module=path ...": the script itself has no module's name. */
static void assert_files(const char *path, const char *expected) {
  Sources *sources = read_sources(path);
  Buffer text = {0};
  for (size_t i = 0; i < sources->count; i++)
    buffer_printf(&text, "%s%s=%s", i ? " " : "", sources->files[i].module,
                  sources->files[i].path);
  assert_string_equal(buffer_text(&text), expected);
  buffer_free(&text);
  sources_free(sources);
}

static void assert_refused(const char *path, ErrorCode code, const char *words) {
  Error err;
  assert_null(sources_read(path, &err));
  assert_int_equal(err.code, code);
  assert_non_null(strstr(err.message, words));
}

static void a_folder_is_read_below(void **state) {
  (void)state;
  write_file("bot/main.lua", "");
  write_file("bot/b.lua", "");
  write_file("bot/a/c.lua", "");
  write_file("bot/notes.txt", "");
  write_file("bot/.hidden.lua", "");
  write_file("bot/.git/x.lua", "");
  write_file("lib/shared.lua", "");
  assert_files("bot", "a.c=bot/a/c.lua b=bot/b.lua =bot/main.lua shared=lib/shared.lua");
  assert_files("bot//",
               "a.c=bot/a/c.lua b=bot/b.lua =bot/main.lua shared=lib/shared.lua");
}

static void a_file_has_those_beside_it(void **state) {
  (void)state;
  write_file("one.lua", "");
  write_file("two.lua", "");
  write_file("below/three.lua", "");
  assert_files("one.lua", "=one.lua two=two.lua");
  assert_files("./one.lua", "=./one.lua two=./two.lua");
}

static void a_test_has_what_it_tests(void **state) {
  (void)state;
  write_file("bot/main.lua", "");
  write_file("bot/a.lua", "");
  write_file("bot/tests/deep/a_test.lua", "");
  assert_files("bot/tests/deep/a_test.lua",
               "=bot/tests/deep/a_test.lua a=bot/a.lua main=bot/main.lua "
               "tests.deep.a_test=bot/tests/deep/a_test.lua");
  write_file("alone/x.lua", "");
  write_file("alone/x_test.lua", "");
  Sources *sources = read_sources("alone/x_test.lua");
  assert_string_equal(sources_find(sources, "x")->path, "alone/x.lua");
  sources_free(sources);
}

static void what_is_no_script_is_refused(void **state) {
  (void)state;
  write_file("empty/a.lua", "");
  assert_refused("empty", ERR_NOT_FOUND, "no main.lua in the folder empty");
  assert_refused("gone.lua", ERR_NOT_FOUND, "no script at gone.lua");
  assert_refused("/dev/null", ERR_IO, "neither a file nor a folder");
  assert_true(sources_gone("gone.lua"));
  assert_true(sources_gone("empty"));
  write_file("empty/main.lua", "");
  assert_false(sources_gone("empty"));
  assert_false(sources_gone("empty/a.lua"));
  assert_true(sources_gone("empty/a.lua/b"));
}

static void a_file_may_be_so_large(void **state) {
  (void)state;
  enum { LARGEST = 8 << 20 };
  write_file("big.lua", "");
  CHECK(truncate("big.lua", LARGEST) == 0);
  sources_free(read_sources("big.lua"));
  CHECK(truncate("big.lua", LARGEST + 1) == 0);
  assert_refused("big.lua", ERR_TOO_LARGE, "larger than 8 MiB");
}

static void a_module_may_be_a_folder(void **state) {
  (void)state;
  write_file("bot/main.lua", "");
  write_file("bot/api/init.lua", "");
  write_file("lib/api.lua", "");
  write_file("lib/other.lua", "");
  write_file("bot/other.lua", "");
  Sources *sources = read_sources("bot");
  assert_string_equal(sources_find(sources, "other")->path, "bot/other.lua");
  assert_string_equal(sources_find(sources, "api")->path, "lib/api.lua");
  assert_string_equal(sources_find(sources, "api.init")->path, "bot/api/init.lua");
  assert_null(sources_find(sources, "ap"));
  sources_free(sources);
}

static uint64_t hash_of(const char *path) {
  Sources *sources = read_sources(path);
  uint64_t hash = sources->hash;
  sources_free(sources);
  return hash;
}

static void the_hash_is_of_names_and_texts(void **state) {
  (void)state;
  write_file("bot/main.lua", "x");
  write_file("bot/a.lua", "y");
  uint64_t first = hash_of("bot");
  assert_true(hash_of("bot") == first);
  write_file("bot/a.lua", "z");
  assert_false(hash_of("bot") == first);
  write_file("bot/a.lua", "y");
  assert_true(hash_of("bot") == first);
  CHECK(rename("bot/a.lua", "bot/b.lua") == 0);
  assert_false(hash_of("bot") == first);
}

static uint64_t hash_used(const Uses *uses) {
  Sources *sources = read_sources("bot");
  uint64_t hash = sources_hash_of(sources, uses);
  sources_free(sources);
  return hash;
}

static void only_what_is_used_counts(void **state) {
  (void)state;
  write_file("bot/main.lua", "");
  write_file("bot/a.lua", "");
  write_file("bot/b.lua", "");
  Sources *sources = read_sources("bot");
  assert_string_equal(sources_use(sources, "a")->path, "bot/a.lua");
  assert_null(sources_use(sources, "missing"));
  uint64_t before = hash_used(&sources->uses);
  write_file("bot/b.lua", "changed");
  assert_true(hash_used(&sources->uses) == before);
  write_file("bot/a.lua", "changed");
  assert_false(hash_used(&sources->uses) == before);
  before = hash_used(&sources->uses);
  write_file("bot/missing.lua", "");
  assert_false(hash_used(&sources->uses) == before);
  before = hash_used(&sources->uses);
  sources->uses.all = true;
  assert_false(hash_used(&sources->uses) == before);
  sources_free(sources);
}

static void the_last_who_holds_them_frees_them(void **state) {
  (void)state;
  write_file("a.lua", "text");
  Sources *sources = read_sources("a.lua");
  assert_ptr_equal(sources_retain(sources), sources);
  sources_free(sources);
  assert_string_equal(sources->files[0].text, "text"); /* the sanitizer looks, too */
  sources_free(sources);
}

static void links_are_watched(void **state) {
  (void)state;
  write_file("v1/main.lua", "");
  make_link("v1", "bot");
  Sources *sources = read_sources("bot");
  bool link = false, folder = false;
  for (size_t i = 0; i < sources->points.count; i++) {
    const WatchPoint *point = &sources->points.list[i];
    link = link || (point->name && strcmp(point->name, "bot") == 0);
    folder = folder || (!point->name && strcmp(point->dir, "bot") == 0);
  }
  assert_true(link && folder);
  sources_free(sources);
}

/* --- texts ------------------------------------------------------------------------ */

static void assert_code(const char *text, const char *expected) {
  SourceFile file = {.text = (char *)text, .len = strlen(text)};
  size_t len;
  const char *code = source_code(&file, &len);
  assert_int_equal(len, strlen(expected));
  assert_memory_equal(code, expected, len);
}

static void the_first_line_may_be_the_shells(void **state) {
  (void)state;
  assert_code("print(1)", "print(1)");
  assert_code("#!/usr/bin/lua\nx", "\nx");
  assert_code("\xEF\xBB\xBFx", "x");
  assert_code("\xEF\xBB\xBF#!x\ny", "\ny");
  assert_code("#alone", "");
  assert_code("x\n#y", "x\n#y");
  assert_code("", "");
}

static bool is_empty(const char *text) {
  SourceFile file = {.text = (char *)text, .len = strlen(text)};
  return source_is_empty(&file);
}

static void comments_and_blanks_are_nothing(void **state) {
  (void)state;
  static const char *const nothing[] = {"",
                                        " \t\r\n\f\v",
                                        ";;",
                                        "-- x",
                                        "-- x\n",
                                        "--[[ x\n y ]]",
                                        "--[==[ ]] ]=] \n]==]",
                                        "#!x\n--y",
                                        "--[[ open",
                                        "--[=x\n",
                                        "--"};
  static const char *const something[] = {
      "x", "-", "--[[ x ]] y", "--[==[ ]] ]==]return", "-- x\nprint()", "--[=x\ny"};
  for (size_t i = 0; i < COUNT_OF(nothing); i++)
    if (!is_empty(nothing[i])) fail_msg("something: %s", nothing[i]);
  for (size_t i = 0; i < COUNT_OF(something); i++)
    if (is_empty(something[i])) fail_msg("nothing: %s", something[i]);
}

static void assert_excerpt(int line, const char *expected) {
  SourceFile files[] = {{.path = "other", .text = "wrong", .len = 5},
                        {.path = "a.lua", .text = "1\n2\n3\n4\n5\n6", .len = 11}};
  Sources sources = {.files = files, .count = 2};
  Buffer out = {0};
  sources_excerpt(&sources, "a.lua", line, &out);
  assert_string_equal(buffer_text(&out), expected);
  buffer_free(&out);
}

static void an_excerpt_shows_two_before_and_one_behind(void **state) {
  (void)state;
  assert_excerpt(4, "     2 | 2\n     3 | 3\n>    4 | 4\n     5 | 5\n");
  assert_excerpt(1, ">    1 | 1\n     2 | 2\n");
  assert_excerpt(6, "     4 | 4\n     5 | 5\n>    6 | 6\n");
  assert_excerpt(9, "     4 | 4\n     5 | 5\n>    6 | 6\n"); /* <eof> */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      folder_test(a_folder_is_read_below),
      folder_test(a_file_has_those_beside_it),
      folder_test(a_test_has_what_it_tests),
      folder_test(what_is_no_script_is_refused),
      folder_test(a_file_may_be_so_large),
      folder_test(a_module_may_be_a_folder),
      folder_test(the_hash_is_of_names_and_texts),
      folder_test(only_what_is_used_counts),
      folder_test(the_last_who_holds_them_frees_them),
      folder_test(links_are_watched),
      cmocka_unit_test(the_first_line_may_be_the_shells),
      cmocka_unit_test(comments_and_blanks_are_nothing),
      cmocka_unit_test(an_excerpt_shows_two_before_and_one_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
