/* Standard input goes to one script: another that loads takes it only once its load is
 * sure, and then with all that was read. A load that fails takes nothing. */
#include <fcntl.h>

#include "script_env.h"

static Env env;
static int own_input, writer;

/* The script "client" is the first one, whenever it is added. */
static int open_world(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  own_input = dup(STDIN_FILENO);
  assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
  close(ends[0]);
  writer = ends[1];
  env_open(&env, (RuntimeOptions){.grace = 0.1, .first = "client"});
  return 0;
}

static int close_world(void **state) {
  (void)state;
  env_close(&env);
  close(writer);
  dup2(own_input, STDIN_FILENO);
  close(own_input);
  return 0;
}

static void write_input(const char *text) {
  assert_int_equal(write(writer, text, strlen(text)), (ssize_t)strlen(text));
}

/* A line is written, and the log must have it as `by` shows it. */
static void assert_reads(const char *by, const char *line) {
  char *text = xasprintf("%s\n", line), *shown = xasprintf("%s HEARD %s.", by, line);
  write_input(text);
  env_await(&env, shown);
  free(text);
  free(shown);
}

/* Each handler ends before the next line is delivered. */
#define READS(name)                                                                      \
  "require('tidelock.input').on_line(function(l)"                                        \
  " log.info('" name " HEARD ' .. l .. '.') task.sleep(0.001) end)\n"                    \
  "timer.every('hold', 60, print)\n"
#define BAD_SOCKET "socket.connect('x', {url = 'gopher://x'})\n"
#define UP(name)                                                                         \
  "script.on_start(function() log.info('" name " UP ' .. script.generation) end)\n"

static void open_hook(void) {
  env_save(&env, "hook", READS("hook") UP("hook"));
  env_await(&env, "hook UP 1");
  assert_reads("hook", "before");
}

static void assert_taken_by_nobody(void) {
  assert_false(env_has(&env, "standard input goes to"));
  assert_reads("hook", "after");
}

/* --- loads that fail ---------------------------------------------------------------- */

static void open_client(const char *text, const char *fails_with) {
  env_save(&env, "client", text);
  env_await(&env, fails_with);
}

static void the_first_load_fails_before_anything_is_opened(void **state) {
  (void)state;
  open_hook();
  env_save(&env, "client", UP("client"));
  env_await(&env, "client UP 1");
  open_client(READS("client") "error 'late'", "late");
  assert_taken_by_nobody();
}

static void the_load_fails_at_what_is_declared_behind_it(void **state) {
  (void)state;
  open_hook();
  env_save(&env, "client", UP("client"));
  env_await(&env, "client UP 1");
  open_client(READS("client") BAD_SOCKET, "the previous generation goes on");
  assert_taken_by_nobody();
  open_client(BAD_SOCKET READS("client"), "client.lua:2: socket \"x\"");
  assert_reads("hook", "third");
}

static void it_fails_at_a_port_that_is_taken(void **state) {
  (void)state;
  open_hook();
  env_save(&env, "client", UP("client"));
  env_save(&env, "web",
           "local s = server.listen('w', {port = 0})\n"
           "script.on_start(function() log.info('PORT ' .. s.port .. '.') end)\n");
  env_await(&env, "PORT ");
  char *text = xasprintf("%sserver.listen('w', {port = %d})\n", READS("client"),
                         atoi(strstr(env_log(&env), "PORT ") + 5));
  open_client(text, "the port is in use");
  free(text);
  assert_taken_by_nobody();
}

/* They share a file, so that they load as one; the hook comes first in it. */
static void two_that_load_together_fail_together(void **state) {
  (void)state;
  env_write(&env, "shared", "", "return 1");
  env_save(&env, "hook", "require 'shared'\n" READS("hook") UP("hook"));
  env_save(&env, "client",
           "require 'shared' require('tidelock.socket').attach('hook:x')\n" UP("client"));
  env_await(&env, "client UP 1");
  env_await(&env, "hook UP 1");
  env_write(&env, "shared", "", "return 2");
  char *text = xasprintf("local socket, script, task, timer, log = require "
                         "'tidelock.socket', require 'tidelock.script', require "
                         "'tidelock.task', require 'tidelock.timer', require "
                         "'tidelock.log' require 'shared' socket.attach('hook:x')\n%s%s",
                         READS("client"), BAD_SOCKET);
  env_write(&env, "client", "", text);
  free(text);
  Script *both[] = {script_find(env.rt, "client", 6), script_find(env.rt, "hook", 4)};
  scripts_load(env.rt, both, 2);
  env_await(&env, "held back by client");
  assert_taken_by_nobody();
}

static void a_script_that_is_not_the_first_is_refused(void **state) {
  (void)state;
  env_save(&env, "client", READS("client") UP("client"));
  env_await(&env, "client UP 1");
  env_save(&env, "hook", READS("hook"));
  env_await(&env, "standard input is read by the script client");
  assert_reads("client", "one");
}

/* --- loads that succeed ------------------------------------------------------------- */

/* Five lines come in one piece; the first is delivered, the others have been read. */
static void what_was_read_goes_along(void **state) {
  (void)state;
  env_save(&env, "hook",
           "require('tidelock.input').on_line(function(l)"
           " log.info('hook HEARD ' .. l .. '.') task.sleep(60) end)\n");
  write_input("1\n2\n3\n4\n5\n");
  env_await(&env, "hook HEARD 1.");
  env_save(&env, "client", READS("client"));
  env_await(&env, "standard input goes to client, the first script named");
  env_await(&env, "client HEARD 5.");
  assert_true(env_has(&env, "client HEARD 2."));
  assert_false(env_has(&env, "hook HEARD 2"));
  assert_reads("client", "6");
}

/* The one that loses it was opened, kept or replaced in the same load. */
static void two_that_load_together_leave_one(void **state) {
  (void)state;
  env_write(&env, "shared", "", "return 1");
  env_save(&env, "hook", "require 'shared'\n" READS("hook") UP("hook"));
  env_save(&env, "client", "require 'shared'\n" UP("client"));
  env_await(&env, "client UP 1");
  env_await(&env, "hook UP 1");
  env_write(&env, "shared", "", "return 2");
  env_write(&env, "client", "",
            "local script, task, timer, log = require 'tidelock.script', require "
            "'tidelock.task', require 'tidelock.timer', require 'tidelock.log' "
            "require('tidelock.socket').attach('hook:x') require 'shared'\n" READS(
                "client") UP("client"));
  Script *both[] = {script_find(env.rt, "client", 6), script_find(env.rt, "hook", 4)};
  scripts_load(env.rt, both, 2);
  env_await(&env, "client UP 2");
  env_await(&env, "hook UP 2");
  env_await(&env, "standard input goes to client, the first script named");
  assert_reads("client", "one");
}

static void it_is_taken_later_as_well(void **state) {
  (void)state;
  open_hook();
  env_save(&env, "client",
           "script.on_start(function()\n" READS("client") "log.info 'TAKEN' end)\n");
  env_await(&env, "TAKEN");
  assert_reads("client", "one");
  assert_false(env_has(&env, "hook HEARD one"));
}

/* --- handlers ------------------------------------------------------------------------
 */

static void lines_come_one_by_one_and_the_end_last(void **state) {
  (void)state;
  env_save(&env, "client",
           "local input = require 'tidelock.input'\n" READS(
               "client") "input.on_end(function() log.info('END') end)\n");
  write_input("a\nb\r\nc");
  close(writer);
  writer = open("/dev/null", O_WRONLY);
  env_await(&env, "END");
  const char *log = env_log(&env);
  assert_true(strstr(log, "HEARD a.") < strstr(log, "HEARD b."));
  assert_true(strstr(log, "HEARD b.") < strstr(log, "HEARD c."));
  assert_true(strstr(log, "HEARD c.") < strstr(log, "END"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      test(the_first_load_fails_before_anything_is_opened),
      test(the_load_fails_at_what_is_declared_behind_it),
      test(it_fails_at_a_port_that_is_taken),
      test(two_that_load_together_fail_together),
      test(a_script_that_is_not_the_first_is_refused),
      test(what_was_read_goes_along),
      test(two_that_load_together_leave_one),
      test(it_is_taken_later_as_well),
      test(lines_come_one_by_one_and_the_end_last),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
