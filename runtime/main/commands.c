/* The commands check and demo. */
#include "main/commands.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script/runtime.h"
#include "script/script.h"

/* --- check ------------------------------------------------------------------------ */

static int check_one(const Options *options, World *world, const char *path) {
  Runtime *rt = make_runtime(options, world, (RuntimeOptions){.check_only = true});
  Error err;
  int status = 0;
  if (script_add(rt, NULL, path, NULL, &err)) {
    status = runtime_run(rt);
  } else {
    log_write(world->log, LOG_ERROR, "tidelock", "%s", err.message);
    status = 1;
  }
  int warnings = runtime_warnings(rt);
  runtime_free(rt);
  if (status == 0 && warnings == 0) say(world, "%s: ok\n", path);
  else if (status == 0)
    say(world, "%s: ok, %d warning%s\n", path, warnings, warnings == 1 ? "" : "s");
  return status;
}

int command_check(const Options *options, World *world) {
  int status = 0;
  for (int i = 0; i < options->path_count; i++)
    if (check_one(options, world, options->paths[i]) != 0) status = 1;
  return status;
}

/* --- demo ------------------------------------------------------------------------- */

char *shipped_path(const char *what) {
  char exe[PATH_MAX];
  ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (len < 0) return NULL;
  exe[len] = '\0';
  char *slash = strrchr(exe, '/');
  if (slash) *slash = '\0';
  static const char *const places[] = {"..", "../share/tidelock"};
  for (size_t i = 0; i < COUNT_OF(places); i++) {
    char *path = xasprintf("%s/%s/%s", exe, places[i], what);
    char *real = realpath(path, NULL);
    free(path);
    if (real) return real;
  }
  return NULL;
}

/* Makes a path below the current folder relative to it: errors show it. Takes path. */
static char *shorten_path(char *path) {
  char cwd[PATH_MAX];
  size_t len;
  if (!path || !getcwd(cwd, sizeof cwd)) return path;
  len = strlen(cwd);
  if (strncmp(path, cwd, len) != 0 || path[len] != '/') return path;
  char *rest = xstrdup(path + len + 1);
  free(path);
  return rest;
}

/* A port that is free now. At start-up only the backend takes one on loopback. */
static int free_port(void) {
  uv_loop_t loop;
  uv_tcp_t tcp;
  struct sockaddr_in address;
  struct sockaddr_storage bound;
  int len = sizeof bound;
  uv_loop_init(&loop);
  uv_tcp_init(&loop, &tcp);
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_bind(&tcp, (struct sockaddr *)&address, 0);
  uv_tcp_getsockname(&tcp, (struct sockaddr *)&bound, &len);
  int port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
  uv_close((uv_handle_t *)&tcp, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
  return port;
}

/* The port that PORT names; 0: it is not set, -1: it is no port. */
static int wanted_port(void) {
  const char *text = getenv("PORT");
  if (!text || !*text || strcmp(text, "0") == 0) return 0;
  char *end;
  long port = strtol(text, &end, 10);
  bool plain = strspn(text, "0123456789") == strlen(text);
  return plain && port >= 1 && port <= 65535 ? (int)port : -1;
}

/* The client connects to the server beside it, whatever addresses the environment has. */
static void set_address(int port) {
  char *number = xasprintf("%d", port), *url = xasprintf("http://127.0.0.1:%d", port);
  setenv("PORT", number, 1);
  setenv("API_URL", url, 1);
  setenv("WS_URL", url, 1);
  setenv("APP_URL", url, 1);
  setenv("ENVIRONMENT", "development", 0);
  free(number);
  free(url);
}

int command_demo(const Options *options, World *world) {
  char *backend = shorten_path(shipped_path("examples/backend"));
  char *client = shorten_path(shipped_path("scripts"));
  int status = 1, port = wanted_port();
  if (port < 0) {
    fprintf(stderr, "tidelock: PORT=%s: a port is a number from 1 to 65535\n",
            getenv("PORT"));
    status = 2;
  } else if (backend && client) {
    set_address(port ? port : free_port());
    ScriptSpec specs[] = {{"backend", backend}, {"client", client}};
    status = run_with_paths(options, world, specs, 2);
  } else {
    log_write(world->log, LOG_ERROR, "tidelock",
              "the demo's scripts are not beside this program: run it from the "
              "checkout's build "
              "folder, or after make install");
  }
  free(backend);
  free(client);
  return status;
}
