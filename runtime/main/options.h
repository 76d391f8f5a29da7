/* The command line. */
#ifndef TIDELOCK_MAIN_OPTIONS_H
#define TIDELOCK_MAIN_OPTIONS_H

#include "core/base.h"
#include "core/log.h"

typedef enum Command {
  COMMAND_RUN,
  COMMAND_CHECK,
  COMMAND_TEST,
  COMMAND_NEW,
  COMMAND_DEMO,
  COMMAND_DATA,
  COMMAND_HELP,
  COMMAND_VERSION
} Command;

typedef struct Options {
  Command command;
  char **paths; /* arguments that are neither option nor command; borrowed from argv;
                   NULL-terminated */
  int path_count;
  char **args; /* after "--": handed to the scripts; NULL-terminated */
  const char *data, *profile, *log_file, *env_file;
  const char **allow; /* what --allow was given, each time; NULL-terminated */
  const char **given; /* the names of the options, in the order of argv; NULL-terminated;
                         static */
  const char *word;   /* the command, as written; NULL: none was; borrowed */
  bool help;          /* --help was given */
  const char *only;   /* of test: the tests to run */
  bool watch;         /* of test: run again at every save */
  double turn_limit;  /* seconds; 0: not given */
  bool memory, plain, no_watch, watch_poll;
  double stop_timeout; /* seconds; 0: not given */
  LogLevel log_level;
  LogFormat log_format;
} Options;

/* Reads argv (which is reordered). Returns 0, or 2 after writing to stderr what is wrong.
 */
int options_read(Options *options, int argc, char **argv);
void options_help(const Options *options); /* of the command named, or of all */
void options_free(Options *options);

#endif
