/* A runtime with the options of the command line, and scripts run in it. */
#include "main/world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lua/modules.h"
#include "core/suggest.h"
#include "main/data.h"
#include "script/batch.h"
#include "script/script.h"

void say(World *world, const char *fmt, ...) {
  char *text;
  va_list args;
  va_start(args, fmt);
  int len = vasprintf(&text, fmt, args);
  va_end(args);
  CHECK(len >= 0);
  output_end_line(world->output, &world->said);
  output_print(world->output, STDOUT_FILENO, &world->said, text, (size_t)len);
  free(text);
}

/* --- running ---------------------------------------------------------------------- */

/* The log would be written into what is drawn there. */
static bool logs_to_screen(const Options *options) {
  struct stat out, err;
  return !options->log_file && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) &&
         fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 &&
         out.st_rdev == err.st_rdev;
}

static void place_log(void *ctx, bool drawn) {
  World *world = ctx;
  if (!drawn) {
    log_release(world->log);
    return;
  }
  char *path = state_log(world->options);
  int error = path ? log_open_file(world->log, path) : ENOENT;
  if (error) {
    log_release(world->log);
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
  more.folders = &world->folders;
  if (world->signals) more.ending = &world->ending;
  if (world->signals && logs_to_screen(options)) more.screen = place_log;
  more.screen_ctx = world;
  return runtime_new(world->log, &more);
}

/* All of them before any is loaded: nothing runs when a name is wrong, or taken. */
static int add_scripts(Runtime *rt, const Options *options, World *world,
                       const ScriptSpec *specs, int count, Script **scripts) {
  Error err;
  for (int i = 0; i < count; i++) {
    scripts[i] = script_new(rt, specs[i].name, specs[i].path, options->args, &err);
    if (scripts[i]) continue;
    log_write(world->log, LOG_ERROR, "tidelock", "%s", err.message);
    return 2;
  }
  return 0;
}

/* A folder that is allowed to nobody was meant for somebody. */
static int check_folders(World *world, const ScriptSpec *specs, int count) {
  const ScriptFolders *unused = folders_unused(&world->folders);
  Suggestion s;
  if (!unused) return 0;
  suggest_begin(&s, unused->script);
  for (int i = 0; i < count; i++)
    if (specs[i].name) suggest_offer(&s, specs[i].name);
  log_write(world->log, LOG_ERROR, "tidelock", "--allow: no script is called \"%s\"%s",
            unused->script, suggest_text(&s));
  return 2;
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
  /* Until the loads tell whether a script draws there. */
  if (logs_to_screen(options)) log_hold(world->log);
  Script **scripts = xcalloc((size_t)count, sizeof(Script *));
  status = add_scripts(rt, options, world, specs, count, scripts);
  if (status == 0) status = check_folders(world, specs, count);
  for (int i = 0; i < count && status == 0; i++) script_load(scripts[i]);
  free(scripts);
  if (status == 0) status = runtime_run(rt);
  world->loss_logged = runtime_output_lost(rt);
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
