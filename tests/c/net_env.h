/* The ground of the network tests: a loop, a net, a quiet log, and waiting for a
 * condition with a watchdog instead of sleeping. */
#ifndef TIDELOCK_TESTS_NET_ENV_H
#define TIDELOCK_TESTS_NET_ENV_H

#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "fake_server.h"
#include "net/net.h"

typedef struct Env {
  Log *log;
  FILE *log_file;
  char *log_text;
  size_t log_len;
  Loop *loop;
  Net *net;
  Timer watchdog;
  bool timed_out;
  bool (*until)(void *ctx);
  void *until_ctx;
} Env;

static void env_bark(Timer *timer) {
  Env *env = CONTAINER_OF(timer, Env, watchdog);
  env->timed_out = true;
  loop_stop(env->loop);
}

static inline void env_open(Env *env) {
  *env = (Env){.watchdog.fire = env_bark};
  env->log_file = open_memstream(&env->log_text, &env->log_len);
  env->log = log_new(env->log_file, LOG_DEBUG, LOG_TEXT);
  env->loop = loop_new(env->log);
  env->net = net_new(env->loop);
}

static inline void env_close(Env *env) {
  net_free(env->net);
  loop_finish(env->loop);
  loop_free(env->loop);
  log_free(env->log);
  fclose(env->log_file);
  free(env->log_text);
}

static void env_idle(void *ctx) {
  Env *env = ctx;
  if (env->until(env->until_ctx)) loop_stop(env->loop);
}

/* Runs the loop until the condition holds; false: it did not within `seconds`. */
static inline bool env_wait_for(Env *env, double seconds, bool (*until)(void *ctx),
                                void *ctx) {
  env->timed_out = false;
  env->until = until;
  env->until_ctx = ctx;
  timer_start(env->loop, &env->watchdog, seconds);
  while (!until(ctx) && !env->timed_out) loop_run(env->loop, env_idle, env);
  timer_stop(env->loop, &env->watchdog);
  return !env->timed_out;
}

static inline bool env_wait(Env *env, bool (*until)(void *ctx), void *ctx) {
  return env_wait_for(env, 100, until, ctx);
}

static inline bool env_never(void *ctx) {
  (void)ctx;
  return false;
}

static inline const char *env_log(Env *env) {
  fflush(env->log_file);
  return env->log_text;
}

/* --- the TLS front (tests/peer/tls/front.py) -------------------------------------- */

typedef struct Front {
  char folder[64], ca_file[96];
  int good, wrongname, expired, stalled, mutual; /* ports */
  pid_t pid;
  int in;
} Front;

static inline void front_start(Front *front, int backend) {
  int in[2], out[2];
  char port[16];
  snprintf(port, sizeof port, "%d", backend);
  strcpy(front->folder, "/tmp/tidelock-tls-XXXXXX");
  CHECK(mkdtemp(front->folder) && pipe(in) == 0 && pipe(out) == 0);
  snprintf(front->ca_file, sizeof front->ca_file, "%s/ca.pem", front->folder);
  front->pid = fork();
  if (front->pid == 0) {
    dup2(in[0], 0), dup2(out[1], 1);
    close(in[1]), close(out[0]);
    execlp("python3", "python3", "tests/peer/tls/front.py", front->folder, port, NULL);
    _exit(127);
  }
  close(in[0]), close(out[1]);
  front->in = in[1];
  FILE *reader = fdopen(out[0], "r");
  CHECK(fscanf(reader, "%d %d %d %d %d", &front->good, &front->wrongname, &front->expired,
               &front->stalled, &front->mutual) == 5);
  fclose(reader);
}

static inline void front_stop(Front *front) {
  char command[128];
  close(front->in);
  waitpid(front->pid, NULL, 0);
  snprintf(command, sizeof command, "rm -rf %s", front->folder);
  CHECK(system(command) == 0);
}

#endif
