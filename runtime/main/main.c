/* The command: reads the options, makes a runtime, adds scripts, runs it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lua/modules.h"
#include "main/commands.h"
#include "main/data.h"
#include "script/script.h"

#define VERSION "0.1.0"

/* --- running ---------------------------------------------------------------------- */

/* The log would be written into what is drawn there. */
static bool logs_to_screen(const Options *options) {
  struct stat out, err;
  return !options->log_file && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) &&
         fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 &&
         out.st_rdev == err.st_rdev;
}

static void move_log(void *ctx) {
  World *world = ctx;
  char *path = state_log(world->options);
  int error = path ? log_open_file(world->log, path) : ENOENT;
  if (error) {
    log_write(world->log, LOG_WARN, "tidelock", "the log stays here: %s: %s",
              path ? path : "no folder for it", strerror(error));
    free(path);
    return;
  }
  world->log_path = path;
}

Runtime *make_runtime(const Options *options, World *world, RuntimeOptions more) {
  more.modules = lua_modules;
  more.cpu_limit = options->turn_limit;
  more.watch = options->command == COMMAND_RUN && !options->no_watch;
  more.watch_poll = options->watch_poll;
  if (options->command == COMMAND_DEMO) more.watch = !options->no_watch;
  more.output = world->output;
  if (world->signals) more.ending = &world->ending;
  if (world->signals && logs_to_screen(options)) more.drawn = move_log;
  more.drawn_ctx = world;
  return runtime_new(world->log, &more);
}

static int run_scripts(const Options *options, World *world, const ScriptSpec *specs,
                       int count) {
  char *data;
  int status = data_folder(options, &data);
  if (status != 0) return status;
  bool demo = options->command == COMMAND_DEMO;
  Runtime *rt = make_runtime(
      options, world, (RuntimeOptions){.data = data, .first = demo ? "client" : NULL});
  signals_attach(world->signals, rt);
  Error err;
  for (int i = 0; i < count && status == 0; i++) {
    if (script_add(rt, specs[i].name, specs[i].path, options->args, &err)) continue;
    log_write(world->log, LOG_ERROR, "tidelock", "%s", err.message);
    status = 2;
  }
  if (status == 0) status = runtime_run(rt);
  world->told_failure = runtime_output_lost(rt);
  signals_detach(world->signals);
  runtime_free(rt);
  free(data);
  return status;
}

/* NAME=PATH: a "=" before any "/" parts the name from the path. */
static void split_spec(ScriptSpec *spec, char *arg) {
  char *equals = strchr(arg, '='), *slash = strchr(arg, '/');
  *spec = (ScriptSpec){NULL, arg};
  if (!equals || (slash && slash < equals)) return;
  *equals = '\0';
  *spec = (ScriptSpec){arg, equals + 1};
}

int run_with_paths(const Options *options, World *world, const ScriptSpec *first,
                   int count) {
  ScriptSpec *specs = xcalloc((size_t)(count + options->path_count), sizeof *specs);
  for (int i = 0; i < count; i++) specs[i] = first[i];
  for (int i = 0; i < options->path_count; i++)
    split_spec(&specs[count + i], options->paths[i]);
  int status = run_scripts(options, world, specs, count + options->path_count);
  free(specs);
  return status;
}

/* --- the environment -------------------------------------------------------------- */

static char *trim(char *text) {
  while (*text == ' ' || *text == '\t') text++;
  size_t len = strlen(text);
  while (len > 0 && strchr(" \t\r\n", text[len - 1])) text[--len] = '\0';
  return text;
}

/* An --env file while it is read. */
typedef struct EnvFile {
  const char *path;
  int line;
  char **ours; /* names that it has set; owned */
  size_t count;
} EnvFile;

static bool is_ours(const EnvFile *env, const char *name) {
  for (size_t i = 0; i < env->count; i++)
    if (strcmp(env->ours[i], name) == 0) return true;
  return false;
}

/* What was set before us stays, empty or not; of two lines the later one counts. */
static void set_variable(EnvFile *env, const char *name, const char *value) {
  bool ours = is_ours(env, name);
  if (getenv(name) && !ours) return;
  setenv(name, value, 1);
  if (ours) return;
  env->ours = xrealloc(env->ours, (env->count + 1) * sizeof *env->ours);
  env->ours[env->count++] = xstrdup(name);
}

/* One line of it: NAME=VALUE, # comments, quotes around the value are taken off. */
static int read_env_line(EnvFile *env, char *line) {
  line = trim(line);
  if (*line == '\0' || *line == '#') return 0;
  if (strncmp(line, "export ", 7) == 0) line = trim(line + 7);
  char *equals = strchr(line, '=');
  if (!equals || equals == line) {
    fprintf(stderr, "tidelock: %s:%d: not NAME=VALUE\n", env->path, env->line);
    return 2;
  }
  *equals = '\0';
  char *value = trim(equals + 1);
  size_t len = strlen(value);
  if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
    value[len - 1] = '\0';
    value++;
  }
  set_variable(env, trim(line), value);
  return 0;
}

static int cannot_read(const char *path) {
  fprintf(stderr, "tidelock: cannot read %s: %s\n", path, strerror(errno));
  return 2;
}

static int read_env(const char *path) {
  if (!path) return 0;
  FILE *file = fopen(path, "r");
  if (!file) return cannot_read(path);
  char *line = NULL;
  size_t room = 0;
  EnvFile env = {.path = path};
  int status = 0;
  while (status == 0 && getline(&line, &room, file) >= 0) {
    bool marked = env.line++ == 0 && strncmp(line, "\xEF\xBB\xBF", 3) == 0;
    status = read_env_line(&env, line + (marked ? 3 : 0));
  }
  if (status == 0 && ferror(file)) status = cannot_read(path);
  for (size_t i = 0; i < env.count; i++) free(env.ours[i]);
  free(env.ours);
  free(line);
  fclose(file);
  return status;
}

/* --- main ------------------------------------------------------------------------- */

/* A standard descriptor that is closed would be given to the next file opened, and what
 * is meant for it would go there. Reading it is an end; writing it stays the error it
 * was. */
static void hold_standard_descriptors(void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd) abort();
}

/* The usual limit of 1,024 is for programs that use select: it is raised as far as the
 * hard one allows. With fewer than LEAST the libraries below abort, or fail in ways that
 * do not tell why. */
static int raise_file_limit(void) {
  enum { LEAST = 32, MOST = 65536 };
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  rlim_t was = files.rlim_cur;
  files.rlim_cur = files.rlim_max < MOST ? files.rlim_max : MOST;
  if (was < files.rlim_cur && setrlimit(RLIMIT_NOFILE, &files) == 0) was = files.rlim_cur;
  if (was >= LEAST) return 0;
  fprintf(stderr,
          "tidelock: only %lu files may be open (ulimit -n): at least %d are needed\n",
          (unsigned long)was, LEAST);
  return 1;
}

static int dispatch(const Options *options, World *world) {
  switch (options->command) {
  case COMMAND_RUN:
    return run_with_paths(options, world, NULL, 0);
  case COMMAND_CHECK:
    return command_check(options, world);
  case COMMAND_TEST:
    return command_test(options, world);
  case COMMAND_NEW:
    return command_new(options);
  case COMMAND_DATA:
    return command_data(options, world);
  case COMMAND_DEMO:
    return command_demo(options, world);
  case COMMAND_VERSION:
    puts("tidelock " VERSION);
    return 0;
  case COMMAND_HELP:
    options_help(options);
    return 0;
  }
  return 2;
}

/* What stdio still held may be lost: then the status must not say that all is well. */
static int flush_output(int status) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  fprintf(stderr, "tidelock: cannot write to standard output: %s\n", strerror(errno));
  return status ? status : 1;
}

/* What is printed and not read holds the process, unless a signal ends it. */
static int write_output(World *world, int status) {
  Output *output = world->output;
  while (!output_wait(output, 0.02)) {
    if (!atomic_load(&world->ending.signalled) || ending_left(&world->ending) > 0)
      continue;
    if (!ending_take(&world->ending)) continue; /* the thread of signals does that */
    output_say("tidelock: %zu printed bytes that nobody read are dropped",
               output_left(output));
    return signals_status(world->signals);
  }
  return status;
}

/* The last words of the log are written too, if somebody reads them. */
static int finish_output(World *world, int status) {
  log_settle(world->log);
  status = write_output(world, status);
  int error = writer_error(output_out(world->output));
  if (!error) return status;
  if (!world->told_failure)
    log_write(world->log, LOG_ERROR, "tidelock", "cannot write to standard output: %s",
              strerror(error));
  output_wait(world->output, 1);
  return status == 0 ? 1 : status;
}

static bool hears_signals(const Options *options) {
  return options->command == COMMAND_RUN || options->command == COMMAND_DEMO;
}

static int run_in_world(const Options *options, Log *log) {
  World world = {.log = log, .options = options, .output = output_new()};
  world.ending.timeout = options->stop_timeout;
  if (hears_signals(options))
    world.signals = signals_new(&world.ending, log, world.output);
  LogSink sink = output_log_sink(world.output);
  log_use_sink(log, &sink);
  int status = finish_output(&world, dispatch(options, &world));
  log_use_sink(log, NULL);
  if (world.log_path) output_say("tidelock: the log is in %s", world.log_path);
  free(world.log_path);
  signals_free(world.signals);
  output_free(world.output);
  return status;
}

int main(int argc, char **argv) {
  Options options;
  hold_standard_descriptors();
  signal(SIGPIPE, SIG_IGN);
  int status = options_read(&options, argc, argv);
  if (status == 0) status = raise_file_limit();
  if (status == 0) status = read_env(options.env_file);
  if (status == 0) {
    Log *log = log_new(stderr, options.log_level, options.log_format);
    int error = options.log_file ? log_open_file(log, options.log_file) : 0;
    if (error) {
      fprintf(stderr, "tidelock: cannot write the log to %s: %s\n", options.log_file,
              strerror(error));
      status = 2;
    } else {
      status = run_in_world(&options, log);
    }
    log_free(log);
  }
  options_free(&options);
  return flush_output(status);
}
