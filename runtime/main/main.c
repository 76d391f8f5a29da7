/* The process: its descriptors, options, log and output, and the command that is run. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "main/commands.h"
#include "main/env_file.h"

#define VERSION "0.1.0"

/* --- main ------------------------------------------------------------------------- */

/* A closed standard descriptor would be reused by the next file opened, which would then
 * get the output. Here it becomes /dev/null, read-only: reading ends, writing stays an
 * error. */
static void hold_standard_descriptors(void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd) abort();
}

/* The usual limit of 1,024 is for programs that use select: it is raised as far as the
 * hard one allows. With fewer than LEAST the libraries below abort, or fail without a
 * cause. */
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

static int run_command(const Options *options, World *world) {
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

/* A failed flush of stdio loses output: then the status is not 0. */
static int flush_output(int status) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  fprintf(stderr, "tidelock: cannot write to standard output: %s\n", strerror(errno));
  return status ? status : 1;
}

/* The process waits until its output is read, unless a signal ends it. */
static int write_output(World *world, int status) {
  Output *output = world->output;
  while (!output_wait(output, 0.02)) {
    if (!atomic_load(&world->ending.signalled) || ending_left(&world->ending) > 0)
      continue;
    if (!ending_take(&world->ending))
      continue; /* the thread of signals ends the process */
    output_say("tidelock: %zu printed bytes that nobody read are dropped",
               output_left(output));
    return signals_status(world->signals);
  }
  return status;
}

/* Waits for the end of the log too, if it is read. */
static int finish_output(World *world, int status) {
  log_settle(world->log);
  status = write_output(world, status);
  int error = writer_error(output_out(world->output));
  if (!error) return status;
  if (!world->loss_logged)
    log_write(world->log, LOG_ERROR, "tidelock", "cannot write to standard output: %s",
              strerror(error));
  output_wait(world->output, 1);
  return status == 0 ? 1 : status;
}

/* Opens them: from then on nothing that takes their place is reached. */
static int allow_folders(const Options *options, World *world) {
  Error err;
  for (const char **text = options->allow; *text; text++)
    if (folders_allow(&world->folders, *text, &err) != 0) {
      fprintf(stderr, "tidelock: %s\ntry: tidelock help\n", err.message);
      return 2;
    }
  return 0;
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
  int status = allow_folders(options, &world);
  if (status == 0) status = run_command(options, &world);
  status = finish_output(&world, status);
  log_use_sink(log, NULL);
  if (world.log_path) output_say("tidelock: the log is in %s", world.log_path);
  free(world.log_path);
  folders_free(&world.folders);
  signals_free(world.signals);
  output_free(world.output);
  return status;
}

int main(int argc, char **argv) {
  Options options;
  hold_standard_descriptors();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a full disk: EFBIG */
  int status = options_read(&options, argc, argv);
  if (status == 0) status = raise_file_limit();
  if (status == 0) status = env_file_read(options.env_file);
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
