/* Sessions, ended at each moment: what they hold is given back, also while a refresh, a
 * login or their file is under way. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "script_env.h"

static Env env;
static char *data;
static int fds;

static int open_env(void **state) {
  (void)state;
  char folder[] = "/tmp/tidelock-session-XXXXXX";
  CHECK(mkdtemp(folder) != NULL);
  data = xasprintf("%s/default", folder);
  CHECK(mkdir(data, 0700) == 0);
  fds = env_count_fds();
  env_open(&env, (RuntimeOptions){.grace = 0.2, .data = data});
  return 0;
}

/* Whatever the test left under way. */
static int close_env(void **state) {
  (void)state;
  env_close(&env);
  int left = env_count_fds() - fds;
  data[strlen(data) - strlen("/default")] = '\0';
  char *command = xasprintf("rm -rf %s", data);
  CHECK(system(command) == 0);
  free(command);
  free(data);
  return left;
}

#define DEFINE                                                                           \
  "local session = require 'tidelock.session' "                                          \
  "local me = session.define('me', { origins = { 'http://a.test' },\n"                   \
  "  login = function(life, slow) task.sleep(slow or 0)\n"                               \
  "    return { access = 'access-1', refresh = 'r1', expires_in = life } end,\n"         \
  "  refresh = function(token) log.info('asked ' .. token) task.sleep(SLOW)\n"           \
  "    return { access = 'access-2', refresh = 'r2', expires_in = 100 } end })\n"

static void define(const char *slow, const char *text) {
  char *script = xasprintf("local SLOW = %s\n" DEFINE "%s", slow, text);
  env_save(&env, "s", script);
  free(script);
}

static void a_refresh_is_stored_and_used(void **state) {
  (void)state;
  define("0", "script.on_start(function() me:login(0.01) task.sleep(0.02)\n"
              "  log.info('got ' .. me:token() .. ' ' .. me:state().status) end)");
  env_await(&env, "asked r1");
  env_await(&env, "got access-2 open");
}

static void an_end_during_a_refresh(void **state) {
  (void)state;
  define("100", "script.on_start(function() me:login(0.01) task.sleep(0.02)\n"
                "  for _ = 1, 3 do task.spawn(function() me:token() end) end\n"
                "  me:token() end)");
  env_await(&env, "asked r1");
}

static void an_end_during_a_login(void **state) {
  (void)state;
  define("0", "script.on_start(function() task.spawn(function() me:login(1, 100) end)\n"
              "  task.sleep(0) log.info 'begun' end)");
  env_await(&env, "begun");
}

static void an_end_while_another_has_the_lock(void **state) {
  (void)state;
  char *folder = xasprintf("%.*ssessions", (int)(strlen(data) - strlen("default")), data);
  CHECK(mkdir(folder, 0700) == 0);
  char *path = xasprintf("%s/me@http%%3A%%2F%%2Fa.test.json.lock", folder);
  int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
  define("0", "script.on_start(function() task.spawn(function() me:login(1) end)\n"
              "  task.sleep(0.2) log.info('waits ' .. me:state().status) end)");
  env_await(&env, "waits ");
  close(lock);
  free(path);
  free(folder);
}

static void a_reload_that_defines_it_no_more(void **state) {
  (void)state;
  define("100",
         "script.on_start(function() me:login(0.01) task.sleep(0.02) me:token() end)");
  env_await(&env, "asked r1");
  env_save(&env, "s", "script.on_start(function() log.info 'without' end)");
  env_await(&env, "without");
}

static void a_reload_keeps_it_in_a_refresh(void **state) {
  (void)state;
  define("0.3",
         "script.on_start(function() me:login(0.01) task.sleep(0.02) me:token() end)");
  env_await(&env, "asked r1");
  define("0", "script.on_start(function() log.info('new ' .. me:token()) end)");
  env_await(&env, "new access-2");
}

static void a_logout_ends_who_waits(void **state) {
  (void)state;
  define("100",
         "script.on_start(function() me:login(0.01) task.sleep(0.02)\n"
         "  task.spawn(function() local _, err = me:token()\n"
         "    log.info('ended ' .. err.code) end)\n"
         "  task.sleep(0.05) me:logout() log.info('is ' .. me:state().reason) end)");
  env_await(&env, "asked r1");
  env_await(&env, "ended CLOSED");
  env_await(&env, "is logout");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_env, close_env)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_refresh_is_stored_and_used),
      TEST(an_end_during_a_refresh),
      TEST(an_end_during_a_login),
      TEST(an_end_while_another_has_the_lock),
      TEST(a_reload_that_defines_it_no_more),
      TEST(a_reload_keeps_it_in_a_refresh),
      TEST(a_logout_ends_who_waits),
  };
  return cmocka_run_group_tests(tests, env_warm_up, NULL);
}
