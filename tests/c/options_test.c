/* The command line: what each word and option becomes, and what is refused, with which
 * words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "main/options.h"

enum { MOST_WORDS = 16 };

typedef struct Line {
  char text[256], *argv[MOST_WORDS];
  int argc;
} Line;

/* Words parted by spaces; ~ is an empty one. */
static void split(Line *line, const char *text) {
  snprintf(line->text, sizeof line->text, "tidelock %s", text);
  line->argc = 0;
  for (char *word = strtok(line->text, " "); word; word = strtok(NULL, " "))
    line->argv[line->argc++] = strcmp(word, "~") == 0 ? word + 1 : word;
  line->argv[line->argc] = NULL;
}

static void read_line(Options *o, Line *line, const char *text) {
  split(line, text);
  if (options_read(o, line->argc, line->argv) != 0) fail_msg("refused: %s", text);
}

/* What is said on standard error meanwhile is shown by the failure alone. */
static void assert_refused(const char *text, const char *words) {
  char said[4096] = "";
  Line line;
  Options o;
  split(&line, text);
  FILE *file = tmpfile();
  int kept = dup(STDERR_FILENO);
  fflush(stderr);
  dup2(fileno(file), STDERR_FILENO);
  int rc = options_read(&o, line.argc, line.argv);
  fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  rewind(file);
  said[fread(said, 1, sizeof said - 1, file)] = '\0';
  fclose(file);
  options_free(&o);
  if (rc != 2 || !strstr(said, words)) fail_msg("%s: %d, %s", text, rc, said);
}

static void commands_are_read(void **state) {
  (void)state;
  static const struct {
    const char *text;
    Command command;
    int paths;
  } cases[] = {{"run a.lua b.lua", COMMAND_RUN, 2},
               {"check .", COMMAND_CHECK, 1},
               {"test tests", COMMAND_TEST, 1},
               {"new bot x", COMMAND_NEW, 2},
               {"demo", COMMAND_DEMO, 0},
               {"demo a.lua", COMMAND_DEMO, 1},
               {"data list", COMMAND_DATA, 1},
               {"help", COMMAND_HELP, 0},
               {"version", COMMAND_VERSION, 0},
               {"--version", COMMAND_VERSION, 0},
               {"run -", COMMAND_RUN, 1}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Line line;
    Options o;
    read_line(&o, &line, cases[i].text);
    if (o.command != cases[i].command || o.path_count != cases[i].paths)
      fail_msg("%s: %d with %d", cases[i].text, (int)o.command, o.path_count);
    assert_null(o.paths[o.path_count]);
    options_free(&o);
  }
}

static void options_stand_anywhere(void **state) {
  (void)state;
  Line line;
  Options o;
  read_line(&o, &line,
            "--memory run --data=d a.lua --profile p b.lua --no-watch --log-file f");
  assert_string_equal(o.paths[0], "a.lua");
  assert_string_equal(o.paths[1], "b.lua");
  assert_string_equal(o.data, "d");
  assert_string_equal(o.profile, "p");
  assert_string_equal(o.log_file, "f");
  assert_true(o.memory && o.no_watch && !o.plain && !o.watch_poll);
  options_free(&o);
}

static void what_follows_two_dashes_is_the_scripts(void **state) {
  (void)state;
  Line line;
  Options o;
  read_line(&o, &line, "run a.lua -- --memory x");
  assert_string_equal(o.args[0], "--memory");
  assert_string_equal(o.args[1], "x");
  assert_null(o.args[2]);
  assert_false(o.memory);
  options_free(&o);
  read_line(&o, &line, "run a.lua");
  assert_null(o.args[0]);
  options_free(&o);
}

static void values_are_read(void **state) {
  (void)state;
  Line line;
  Options o;
  read_line(&o, &line,
            "test t --only name --watch --turn-limit 0.05 --log warn --log-format json");
  assert_string_equal(o.only, "name");
  assert_true(o.watch && o.turn_limit == 0.05);
  assert_true(o.log_level == LOG_WARN && o.log_format == LOG_JSON);
  options_free(&o);
  read_line(&o, &line, "run a --stop-timeout=3600 --env e");
  assert_true(o.stop_timeout == 3600 && o.turn_limit == 0);
  assert_true(o.log_level == LOG_INFO && o.log_format == LOG_TEXT);
  assert_string_equal(o.env_file, "e");
  options_free(&o);
}

static void seconds_have_bounds(void **state) {
  (void)state;
  static const char *const wrong[] = {"0.09", "3601", "-1",   "1e2",  "x",
                                      "1s",   "nan",  "0x10", "1.2.3"};
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    char text[64];
    snprintf(text, sizeof text, "run a --stop-timeout %s", wrong[i]);
    assert_refused(text, "--stop-timeout takes 0.1 to 3600 seconds");
  }
  assert_refused("run a --turn-limit 0.04", "--turn-limit takes 0.05 to 3600 seconds");
}

static void what_was_meant_is_said(void **state) {
  (void)state;
  assert_refused("rnu a.lua", "unknown command: rnu (did you mean \"run\"?)");
  assert_refused("run a --memroy",
                 "unknown option: --memroy (did you mean \"--memory\"?)");
  assert_refused("run a --log inof", "(did you mean \"info\"?)");
  assert_refused("run a --log-format jsno", "(did you mean \"json\"?)");
  assert_refused("help rnu", "unknown command: rnu");
  assert_refused("run a --xxxxxxxxxxxx=1", "unknown option: --xxxxxxxxxxxx=1\n");
}

static void values_that_lack_or_are_too_much(void **state) {
  (void)state;
  assert_refused("run a --data", "--data: it takes a value");
  assert_refused("run a --data=", "--data: it takes a value");
  assert_refused("run a --data ~", "--data: it takes a value");
  assert_refused("run a --memory=yes", "--memory: it takes no value");
}

static void counts_are_checked(void **state) {
  (void)state;
  assert_refused("run", "run takes at least one file or folder");
  assert_refused("check", "check takes at least one file or folder");
  assert_refused("test", "test takes at least one file or folder");
  assert_refused("new bot", "new takes what to make and its name");
  assert_refused("new bot a b", "new takes what to make and its name");
  assert_refused("data", "data takes what to do");
  assert_refused("version x", "version takes no more, and here is \"x\"");
  assert_refused("run name=", "name= lacks its path");
  assert_refused("run ~", "a path is empty");
  assert_refused("run a --only x", "--only belongs to tidelock test");
  assert_refused("run a --watch", "--watch belongs to tidelock test");
  assert_refused("", "tidelock");
}

static void help_is_of_all_or_of_one(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"help", NULL},          {"--help", NULL},
                                         {"help run", "run"},     {"run --help", "run"},
                                         {"run a.lua -h", "run"}, {"data -h", "data"}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Line line;
    Options o;
    read_line(&o, &line, cases[i][0]);
    assert_int_equal(o.command, COMMAND_HELP);
    if (cases[i][1]) assert_string_equal(o.word, cases[i][1]);
    else assert_null(o.word);
    options_free(&o);
  }
}

static void allow_may_be_given_often(void **state) {
  (void)state;
  Line line;
  Options o;
  read_line(&o, &line,
            "run a.lua --allow a:files=. --allow=b:files=/x:write --allow a:files=.");
  assert_string_equal(o.allow[0], "a:files=.");
  assert_string_equal(o.allow[1], "b:files=/x:write");
  assert_string_equal(o.allow[2], "a:files=.");
  assert_null(o.allow[3]);
  options_free(&o);
  assert_refused("run a.lua --allow", "it takes a value: --allow NAME:files=DIR");
  assert_refused("check a.lua --allow a:files=.",
                 "belongs to tidelock demo, run and test");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(commands_are_read),
      cmocka_unit_test(allow_may_be_given_often),
      cmocka_unit_test(options_stand_anywhere),
      cmocka_unit_test(what_follows_two_dashes_is_the_scripts),
      cmocka_unit_test(values_are_read),
      cmocka_unit_test(seconds_have_bounds),
      cmocka_unit_test(what_was_meant_is_said),
      cmocka_unit_test(values_that_lack_or_are_too_much),
      cmocka_unit_test(counts_are_checked),
      cmocka_unit_test(help_is_of_all_or_of_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
