/* The command line: see options.h. Options may stand anywhere before "--". */
#include "main/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: tidelock COMMAND\n"
    "\n"
    "  demo [[NAME=]PATH...]    the embedded backend and the shipped client, on "
    "loopback, "
    "and\n"
    "                           scripts of yours beside them, a hook say\n"
    "  run [NAME=]PATH...       run scripts (a .lua file or a folder with main.lua), "
    "reload on save;\n"
    "                           what follows -- is script.args\n"
    "  check PATH...            load only; print what is wrong; exit 1 if anything is\n"
    "  new app|bot|hook NAME    a folder or file to start from\n"
    "  test PATH...             run tests (tidelock.test): files, or the *_test.lua of "
    "folders\n"
    "                           and of those in them\n"
    "  help, --version\n"
    "\n"
    "options of test:\n"
    "  --only PATTERN           the tests of that name, or of that group, or whose name "
    "has "
    "it\n"
    "  --watch                  run again at every save\n"
    "\n"
    "options of run and demo:\n"
    "  --plain                  no terminal UI: lines in, lines out (there is no other "
    "yet)\n"
    "  --no-watch               do not reload on save\n"
    "  --watch-poll             look for saves once a second (network file systems)\n"
    "  --env FILE               set NAME=VALUE lines in the environment\n"
    "  --data DIR               where data is kept (default: XDG data home)\n"
    "  --profile NAME           data of its own under that name (default: default;\n"
    "                           of demo: demo)\n"
    "  --memory                 keep nothing on disk\n"
    "  --stop-timeout SECONDS   how long ending may take after Ctrl-C or SIGTERM: the "
    "last "
    "second\n"
    "                           is for flushing and goodbyes, on_stop has the rest "
    "(default: 3)\n"
    "  --log LEVEL              debug, info, warn, error or off (default: info)\n"
    "  --log-format text|json   (default: text)\n"
    "  --log-file PATH          append the log there instead of standard error\n"
    "\n"
    "exit status: 0 done; 1 ended with uncaught errors or a refused connection, or a "
    "script "
    "asked\n"
    "for it; 2 wrong usage; 78 a script failed to load; 130 interrupted; 143 terminated\n"
    "signals: SIGHUP reloads all scripts, SIGUSR1 opens the log file anew; SIGINT and "
    "SIGTERM "
    "stop\n"
    "cleanly, a second one at once\n";

void options_help(void) {
  fputs(help, stdout);
}

static int wrong(const char *fmt, const char *what) {
  fputs("tidelock: ", stderr);
  fprintf(stderr, fmt, what);
  fputs("\ntry: tidelock help\n", stderr);
  return 2;
}

/* Takes the value of --name VALUE or --name=VALUE; NULL too where it is empty. */
static const char *value_of(const char *arg, const char *name, char **argv, int *i,
                            int argc) {
  size_t len = strlen(name);
  if (strncmp(arg, name, len) != 0) return NULL;
  if (arg[len] == '=') return arg[len + 1] ? arg + len + 1 : NULL;
  if (arg[len] != '\0' || *i + 1 >= argc || argv[*i + 1][0] == '\0') return NULL;
  return argv[++*i];
}

/* A decimal number of seconds within the bounds. */
static int read_seconds(const char *option, const char *text, double least, double most,
                        double *seconds) {
  char *end;
  *seconds = strtod(text, &end);
  bool plain = strspn(text, "0123456789.") == strlen(text) && *end == '\0';
  if (plain && *seconds >= least && *seconds <= most) return 0;
  fprintf(stderr, "tidelock: %s takes %g to %g seconds, not \"%s\"\ntry: tidelock help\n",
          option, least, most, text);
  return 2;
}

static int read_log_option(Options *o, const char *arg, char **argv, int *i, int argc) {
  const char *value;
  if ((value = value_of(arg, "--log-format", argv, i, argc))) {
    bool json = strcmp(value, "json") == 0;
    if (!json && strcmp(value, "text") != 0)
      return wrong("--log-format takes text or json, not \"%s\"", value);
    o->log_format = json ? LOG_JSON : LOG_TEXT;
  } else if ((value = value_of(arg, "--log-file", argv, i, argc))) {
    o->log_file = value;
  } else if ((value = value_of(arg, "--log", argv, i, argc))) {
    if (!log_level_parse(value, &o->log_level))
      return wrong("--log takes debug, info, warn, error or off, not \"%s\"", value);
  } else {
    return -1;
  }
  return 0;
}

static int read_option(Options *o, char **argv, int *i, int argc) {
  const char *arg = argv[*i], *value;
  if (strcmp(arg, "--memory") == 0) o->memory = true;
  else if (strcmp(arg, "--plain") == 0) o->plain = true;
  else if (strcmp(arg, "--no-watch") == 0) o->no_watch = true;
  else if (strcmp(arg, "--watch-poll") == 0) o->watch_poll = true;
  else if (strcmp(arg, "--watch") == 0) o->watch = true;
  else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
    o->command = COMMAND_HELP;
  else if (strcmp(arg, "--version") == 0) o->command = COMMAND_VERSION;
  else if ((value = value_of(arg, "--data", argv, i, argc))) o->data = value;
  else if ((value = value_of(arg, "--profile", argv, i, argc))) o->profile = value;
  else if ((value = value_of(arg, "--stop-timeout", argv, i, argc)))
    return read_seconds("--stop-timeout", value, 0.1, 3600, &o->stop_timeout);
  else if ((value = value_of(arg, "--env", argv, i, argc))) o->env_file = value;
  else if ((value = value_of(arg, "--only", argv, i, argc))) o->only = value;
  else {
    int rc = read_log_option(o, arg, argv, i, argc);
    return rc >= 0 ? rc : wrong("unknown option, or one that lacks its value: %s", arg);
  }
  return 0;
}

static int read_command(Options *o, const char *word) {
  static const struct {
    const char *word;
    Command command;
  } commands[] = {{"run", COMMAND_RUN},        {"check", COMMAND_CHECK},
                  {"test", COMMAND_TEST},      {"new", COMMAND_NEW},
                  {"demo", COMMAND_DEMO},      {"help", COMMAND_HELP},
                  {"version", COMMAND_VERSION}};
  for (size_t i = 0; i < COUNT_OF(commands); i++) {
    if (strcmp(commands[i].word, word) != 0) continue;
    o->command = commands[i].command;
    return 0;
  }
  return wrong("unknown command: %s", word);
}

static int check_paths(const Options *o) {
  for (int i = 0; i < o->path_count; i++) {
    size_t len = strlen(o->paths[i]);
    if (len == 0) return wrong("a path is empty%s", "");
    if (o->command == COMMAND_RUN && o->paths[i][len - 1] == '=')
      return wrong("%s lacks its path", o->paths[i]);
  }
  return 0;
}

static int check_counts(const Options *o) {
  if (o->command != COMMAND_TEST && (o->only || o->watch))
    return wrong("%s belongs to tidelock test", o->only ? "--only" : "--watch");
  bool needs = o->command == COMMAND_RUN || o->command == COMMAND_CHECK ||
               o->command == COMMAND_TEST;
  if (needs && o->path_count == 0)
    return wrong("%s: name at least one file or folder", "tidelock");
  if (o->command == COMMAND_NEW && o->path_count != 2)
    return wrong("new takes what to make and its name: tidelock new %s NAME",
                 "app|bot|hook");
  return 0;
}

int options_read(Options *o, int argc, char **argv) {
  *o = (Options){.log_level = LOG_INFO};
  o->paths = xcalloc((size_t)argc + 1, sizeof *o->paths);
  o->args = argv + argc;
  bool named = false;
  for (int i = 1; i < argc; i++) {
    int rc = 0;
    if (strcmp(argv[i], "--") == 0) {
      o->args = argv + i + 1;
      break;
    }
    if (argv[i][0] == '-' && argv[i][1] != '\0') {
      bool was = o->command == COMMAND_HELP || o->command == COMMAND_VERSION;
      rc = read_option(o, argv, &i, argc);
      named = named ||
              (!was && (o->command == COMMAND_HELP || o->command == COMMAND_VERSION));
    } else if (!named) {
      rc = read_command(o, argv[i]);
      named = true;
    } else {
      o->paths[o->path_count++] = argv[i];
    }
    if (rc != 0) return rc;
  }
  if (!named) {
    fputs(help, stderr);
    return 2;
  }
  int rc = check_paths(o);
  return rc ? rc : check_counts(o);
}

void options_free(Options *o) {
  free(o->paths);
}
