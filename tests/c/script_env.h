/* The ground of the tests that run scripts in a runtime: a folder of its own, scripts
 * saved and loaded from C, and waiting for a line of the log instead of sleeping. */
#ifndef TIDELOCK_TESTS_SCRIPT_ENV_H
#define TIDELOCK_TESTS_SCRIPT_ENV_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lua/modules.h"
#include "proto/http1.h"
#include "resource/resource.h"
#include "script/batch.h"
#include "script/parts.h"

typedef struct Env {
  char folder[64];
  Log *log;
  FILE *log_file;
  char *log_text;
  size_t log_len, seen; /* what a wait has passed over */
  Runtime *rt;
  Timer watchdog;
  const char *awaited;
  bool timed_out;
} Env;

static void env_bark(Timer *timer) {
  Env *env = CONTAINER_OF(timer, Env, watchdog);
  env->timed_out = true;
  loop_stop(env->rt->host.loop);
}

static inline void env_open(Env *env, RuntimeOptions options) {
  *env = (Env){.watchdog.fire = env_bark};
  /* Named, they are linked in: the server's object needs them. */
  CHECK(http1_reason(200) && http1_is_name("x"));
  strcpy(env->folder, "/tmp/tidelock-script-XXXXXX");
  CHECK(mkdtemp(env->folder) != NULL);
  env->log_file = open_memstream(&env->log_text, &env->log_len);
  env->log = log_new(env->log_file, LOG_INFO, LOG_TEXT);
  if (!options.modules) options.modules = lua_modules;
  env->rt = runtime_new(env->log, &options);
}

static inline void env_close(Env *env) {
  char command[128];
  timer_stop(env->rt->host.loop, &env->watchdog);
  runtime_free(env->rt);
  log_free(env->log);
  fclose(env->log_file);
  free(env->log_text);
  snprintf(command, sizeof command, "rm -rf %s", env->folder);
  CHECK(system(command) == 0);
}

static inline char *env_path(const Env *env, const char *name) {
  return xasprintf("%s/%s.lua", env->folder, name);
}

/* Writes NAME.lua: `head`, then `text`. */
static inline void env_write(Env *env, const char *name, const char *head,
                             const char *text) {
  char *path = env_path(env, name);
  FILE *file = fopen(path, "w");
  CHECK(file && fprintf(file, "%s%s", head, text) >= 0 && fclose(file) == 0);
  free(path);
}

/* Saves the script and loads it, for the first time or anew. */
static inline void env_save(Env *env, const char *name, const char *text) {
  static const char head[] =
      "local socket, script, task, timer, log, server, http = require 'tidelock.socket', "
      "require 'tidelock.script', require 'tidelock.task', require 'tidelock.timer', "
      "require 'tidelock.log', require 'tidelock.server', require 'tidelock.http' "
      "local URL = require('tidelock.env').get('WS_URL')\n";
  env_write(env, name, head, text);
  Script *script = script_find(env->rt, name, strlen(name));
  if (script) {
    script_load(script);
    return;
  }
  char *path = env_path(env, name);
  Error err;
  CHECK(script_add(env->rt, name, path, NULL, &err) != NULL);
  free(path);
}

static inline const char *env_log(Env *env) {
  fflush(env->log_file);
  return env->log_text ? env->log_text : "";
}

static inline bool env_has(Env *env, const char *text) {
  return strstr(env_log(env), text) != NULL;
}

static void env_idle(void *ctx) {
  Env *env = ctx;
  if (env_has(env, env->awaited)) loop_stop(env->rt->host.loop);
}

/* Runs the loop until the log has the text; fails, with the log shown, after 10 seconds.
 */
static inline void env_await(Env *env, const char *text) {
  env->awaited = text;
  env->timed_out = false;
  timer_start(env->rt->host.loop, &env->watchdog, 10);
  while (!env_has(env, text) && !env->timed_out)
    loop_run(env->rt->host.loop, env_idle, env);
  timer_stop(env->rt->host.loop, &env->watchdog);
  if (!env_has(env, text))
    fail_msg("waited in vain for: %s\nthe log:\n%s", text, env_log(env));
}

/* The descriptors that are open. */
static inline int env_count_fds(void) {
  int count = 0;
  DIR *dir = opendir("/proc/self/fd");
  while (dir && readdir(dir)) count++;
  if (dir) closedir(dir);
  return count;
}

/* The setup of a group that counts them: some are opened once in a process. */
static inline int env_warm_up(void **state) {
  Env env;
  (void)state;
  env_open(&env, (RuntimeOptions){.grace = 0.2});
  env_save(&env, "s", "log.info 'warm'");
  env_await(&env, "warm");
  env_close(&env);
  return 0;
}

#endif
