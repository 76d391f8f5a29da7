/* Streams of events that are declared, ended at each moment: before they are connected,
 * while they wait, between events, while handlers run. Nothing of them stays. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "script_env.h"

static Env env;
static int fds;

static int find_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(bind(fd, (struct sockaddr *)&address, len) == 0);
  CHECK(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

static int port;

static int open_env(void **state) {
  (void)state;
  port = find_port();
  fds = env_count_fds();
  env_open(&env, (RuntimeOptions){.grace = 0.2});
  return 0;
}

/* Whatever the test left under way. */
static int close_env(void **state) {
  (void)state;
  env_close(&env);
  return env_count_fds() - fds;
}

/* /two gives two events and ends; /hang answers never; /down says 503. */
#define SERVER                                                                           \
  "local srv = server.listen('web', { port = %d })\n"                                    \
  "srv:get('/two', function(req) local last = tonumber(req.headers['last-event-id'] or " \
  "0)\n"                                                                                 \
  "  return 200, ('id: %%d\\ndata: n%%d\\n\\nid: %%d\\ndata: n%%d\\n\\n'):format(last "  \
  "+ 1, "                                                                                \
  "last + 1,\n"                                                                          \
  "    last + 2, last + 2), { ['Content-Type'] = 'text/event-stream' } end)\n"           \
  "srv:get('/hang', function() log.info 'hangs' task.sleep(100) return 204 end)\n"       \
  "srv:get('/down', function() return 503 end)\n"

static void declare(const char *path, const char *how, const char *text) {
  char *script =
      xasprintf(SERVER "local news = http.events('news', 'http://127.0.0.1:%d%s', { "
                       "reconnect = { %s } })\n"
                       "news:on_state(function(state) log.info('is ' .. state) end)\n%s",
                port, port, path, how, text);
  env_save(&env, "s", script);
  free(script);
}

#define HEAR "news:on(function(event) log.info('heard ' .. event.data) end)"

static void it_goes_on_after_its_last_id(void **state) {
  (void)state;
  declare("/two", "delay = 0.01", HEAR);
  env_await(&env, "heard n2");
  env_await(&env, "is reconnecting");
  env_await(&env, "heard n4");
}

static void an_end_while_it_connects(void **state) {
  (void)state;
  declare("/hang", "delay = 0.01", HEAR);
  env_await(&env, "hangs");
}

static void an_end_while_it_waits(void **state) {
  (void)state;
  declare("/down", "delay = 100, jitter = 0", HEAR);
  env_await(&env, "is reconnecting");
}

static void an_end_while_handlers_run(void **state) {
  (void)state;
  declare(
      "/two", "delay = 100, jitter = 0",
      "news:on(function(event) log.info('begun ' .. event.data) task.sleep(100) end)");
  env_await(&env, "begun n2");
}

static void a_close_in_its_own_handler(void **state) {
  (void)state;
  declare("/two", "delay = 0.01",
          "news:on(function(event) log.info('heard ' .. event.data) news:close()\n"
          "  log.info('then ' .. news:state()) end)");
  env_await(&env, "heard n1");
  env_await(&env, "then closed");
}

static void a_reload_while_it_connects(void **state) {
  (void)state;
  declare("/hang", "delay = 0.01", HEAR);
  env_await(&env, "hangs");
  declare("/two", "delay = 0.01", HEAR);
  env_await(&env, "heard n1");
}

static void a_reload_that_declares_it_no_more(void **state) {
  (void)state;
  declare(
      "/two", "delay = 0.01",
      "news:on(function(event) log.info('begun ' .. event.data) task.sleep(100) end)");
  env_await(&env, "begun n1");
  env_save(&env, "s", "script.on_start(function() log.info 'without' end)");
  env_await(&env, "without");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_env, close_env)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(it_goes_on_after_its_last_id),
      TEST(an_end_while_it_connects),
      TEST(an_end_while_it_waits),
      TEST(an_end_while_handlers_run),
      TEST(a_close_in_its_own_handler),
      TEST(a_reload_while_it_connects),
      TEST(a_reload_that_declares_it_no_more),
  };
  return cmocka_run_group_tests(tests, env_warm_up, NULL);
}
