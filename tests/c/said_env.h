/* A runtime with one script, whose words are compared: in the code `say(x)` collects
 * them. */
#ifndef TIDELOCK_TESTS_SAID_ENV_H
#define TIDELOCK_TESTS_SAID_ENV_H

#include "script_env.h"

static Env env;

static inline int open_world(void **state) {
  (void)state;
  env_open(&env, (RuntimeOptions){.memory_limit = 64 << 20});
  return 0;
}

static inline int close_world(void **state) {
  (void)state;
  env_close(&env);
  return 0;
}

static inline Vm *said_vm(void) {
  return script_find(env.rt, "bot", 3)->owner.current;
}

/* Runs the code as on_start, behind `head`; what it said must then be `words`. */
static inline void run_script(const char *head, const char *code, const char *words) {
  char *text = xasprintf("%s\nlocal said = {}\n"
                         "local function say(w) said[#said + 1] = tostring(w) end\n"
                         "timer.every('hold', 60, print)\n"
                         "script.on_start(function()\n%s\n"
                         "log.info('SAID ' .. table.concat(said, ' ') .. '.') end)\n",
                         head, code);
  char *line = xasprintf("SAID %s.", words);
  env_save(&env, "bot", text);
  env_await(&env, "SAID");
  if (!env_has(&env, line)) fail_msg("%s is not in:\n%s", line, env_log(&env));
  free(text);
  free(line);
}

#define said_test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

#endif
