/* The command line: see options.h. Options may stand anywhere before "--". */
#include "main/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "main/help.h"

static int print_usage_error(const char *fmt, const char *what) {
  fputs("tidelock: ", stderr);
  fprintf(stderr, fmt, what);
  fputs("\ntry: tidelock help\n", stderr);
  return 2;
}

/* The same for an unknown name; `meant` is ` (did you mean "x"?)` or "". */
static int wrong_name(const char *what, const char *name, const char *meant) {
  fprintf(stderr, "tidelock: %s: %s%s\ntry: tidelock help\n", what, name, meant);
  return 2;
}

/* --name, and the name of its value. */
static void wrong_value(const char *name, const char *value) {
  fprintf(stderr, "tidelock: %s: it takes a value: %s %s\ntry: tidelock help\n", name,
          name, value);
}

static int wrong_option(const Options *o, const char *arg) {
  Suggestion s;
  char *name = xstrndup(arg, strcspn(arg, "="));
  const char *value = help_option_value(name);
  if (!value) wrong_name("unknown option", arg, help_meant_option(&s, name, o->word));
  else if (*value) wrong_value(name, value);
  else print_usage_error("%s: it takes no value", name);
  free(name);
  return 2;
}

static int wrong_format(const char *value) {
  static const char *const formats[] = {"text", "json", NULL};
  Suggestion s;
  return wrong_name("--log-format takes text or json, not", value,
                    suggest_among(&s, value, formats));
}

static int wrong_level(const char *value) {
  static const char *const levels[] = {"debug", "info", "warn", "error", "off", NULL};
  Suggestion s;
  return wrong_name("--log takes debug, info, warn, error or off, not", value,
                    suggest_among(&s, value, levels));
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
    if (!json && strcmp(value, "text") != 0) return wrong_format(value);
    o->log_format = json ? LOG_JSON : LOG_TEXT;
  } else if ((value = value_of(arg, "--log-file", argv, i, argc))) {
    o->log_file = value;
  } else if ((value = value_of(arg, "--log", argv, i, argc))) {
    if (!log_level_parse(value, &o->log_level)) return wrong_level(value);
  } else {
    return -1;
  }
  return 0;
}

static void add_allowed(Options *o, const char *value) {
  size_t n = 0;
  while (o->allow[n]) n++;
  o->allow[n] = value;
}

static int read_option(Options *o, char **argv, int *i, int argc) {
  const char *arg = argv[*i], *value;
  if (strcmp(arg, "--memory") == 0) o->memory = true;
  else if (strcmp(arg, "--plain") == 0) o->plain = true;
  else if (strcmp(arg, "--no-watch") == 0) o->no_watch = true;
  else if (strcmp(arg, "--watch-poll") == 0) o->watch_poll = true;
  else if (strcmp(arg, "--watch") == 0) o->watch = true;
  else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) o->help = true;
  else if (strcmp(arg, "--version") == 0) o->command = COMMAND_VERSION;
  else if ((value = value_of(arg, "--data", argv, i, argc))) o->data = value;
  else if ((value = value_of(arg, "--profile", argv, i, argc))) o->profile = value;
  else if ((value = value_of(arg, "--stop-timeout", argv, i, argc)))
    return read_seconds("--stop-timeout", value, 0.1, 3600, &o->stop_timeout);
  else if ((value = value_of(arg, "--env", argv, i, argc))) o->env_file = value;
  else if ((value = value_of(arg, "--only", argv, i, argc))) o->only = value;
  else if ((value = value_of(arg, "--allow", argv, i, argc))) add_allowed(o, value);
  else if ((value = value_of(arg, "--turn-limit", argv, i, argc)))
    return read_seconds("--turn-limit", value, 0.05, 3600, &o->turn_limit);
  else {
    int rc = read_log_option(o, arg, argv, i, argc);
    return rc >= 0 ? rc : wrong_option(o, arg);
  }
  return 0;
}

static int read_command(Options *o, const char *word) {
  static const struct {
    const char *word;
    Command command;
  } commands[] = {{"run", COMMAND_RUN},   {"check", COMMAND_CHECK},
                  {"test", COMMAND_TEST}, {"new", COMMAND_NEW},
                  {"demo", COMMAND_DEMO}, {"data", COMMAND_DATA},
                  {"help", COMMAND_HELP}, {"version", COMMAND_VERSION}};
  for (size_t i = 0; i < COUNT_OF(commands); i++) {
    if (strcmp(commands[i].word, word) != 0) continue;
    o->command = commands[i].command;
    o->word = commands[i].word;
    return 0;
  }
  Suggestion s;
  return wrong_name("unknown command", word, help_meant_command(&s, word));
}

static int refuse_foreign(const char *option, const char *word) {
  Buffer of = {0};
  Suggestion s;
  help_option_commands(option, &of);
  fprintf(stderr,
          "tidelock: %s belongs to tidelock %s, not to %s%s\ntry: tidelock help\n",
          option, buffer_text(&of), word, help_meant_option(&s, option, word));
  buffer_free(&of);
  return 2;
}

/* An option may stand before the command that it belongs to. */
static int check_given(const Options *o) {
  const char *word = o->word ? o->word : "version";
  for (size_t i = 0; o->given[i]; i++)
    if (!help_option_of(o->given[i], word)) return refuse_foreign(o->given[i], word);
  return 0;
}

static int check_paths(const Options *o) {
  for (int i = 0; i < o->path_count; i++) {
    size_t len = strlen(o->paths[i]);
    if (len == 0) return print_usage_error("a path is empty%s", "");
    if (o->command == COMMAND_RUN && o->paths[i][len - 1] == '=')
      return print_usage_error("%s lacks its path", o->paths[i]);
  }
  return 0;
}

static int check_counts(const Options *o) {
  if (o->command == COMMAND_DATA && o->path_count == 0)
    return print_usage_error("data takes what to do: tidelock data %s",
                             "list|show|export|restore|reset [NAME...]");
  if (o->command == COMMAND_VERSION && o->path_count > 0)
    return print_usage_error("version takes no more, and here is \"%s\"", o->paths[0]);
  bool needs = o->command == COMMAND_RUN || o->command == COMMAND_CHECK ||
               o->command == COMMAND_TEST;
  if (needs && o->path_count == 0)
    return print_usage_error("%s takes at least one file or folder", o->word);
  if (o->command == COMMAND_NEW && o->path_count != 2)
    return print_usage_error("new takes what to make and its name: tidelock new %s NAME",
                             "bot|hook|app");
  return 0;
}

/* Remembers the option; one that is given twice is a mistake, as one of them has no
 * effect. */
static int note_given(Options *o, const char *arg) {
  char *name = xstrndup(arg, strcspn(arg, "="));
  const char *known = help_option(name);
  free(name);
  size_t n = 0;
  while (o->given[n] && o->given[n] != known) n++;
  bool again = known && strcmp(known, "--allow") == 0; /* each time for something else */
  if (known && o->given[n])
    return again ? 0 : print_usage_error("%s is given twice", known);
  o->given[n] = known;
  return 0;
}

static int read_word(Options *o, char **argv, int *i, int argc) {
  char *arg = argv[*i];
  if (arg[0] == '-' && arg[1] != '\0') {
    int rc = read_option(o, argv, i, argc);
    return rc ? rc : note_given(o, arg);
  }
  if (!o->word && o->command != COMMAND_VERSION) return read_command(o, arg);
  o->paths[o->path_count++] = arg;
  return 0;
}

/* `help`, `help COMMAND`, `--help`, `COMMAND --help`. */
static int check_help(Options *o) {
  if (o->command == COMMAND_HELP && o->path_count > 0) o->word = o->paths[0];
  else if (o->command == COMMAND_HELP) o->word = NULL;
  o->command = COMMAND_HELP;
  Suggestion s;
  if (o->word && !help_command(NULL, o->word))
    return wrong_name("unknown command", o->word, help_meant_command(&s, o->word));
  return 0;
}

int options_read(Options *o, int argc, char **argv) {
  *o = (Options){.log_level = LOG_INFO};
  o->paths = xcalloc((size_t)argc + 1, sizeof *o->paths);
  o->given = xcalloc((size_t)argc + 1, sizeof *o->given);
  o->allow = xcalloc((size_t)argc + 1, sizeof *o->allow);
  o->args = argv + argc;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--") == 0) {
      o->args = argv + i + 1;
      break;
    }
    int rc = read_word(o, argv, &i, argc);
    if (rc != 0) return rc;
  }
  if (o->help) return check_help(o);
  if (o->command == COMMAND_HELP) {
    int rc = check_given(o);
    if (rc == 0 && o->path_count > 1)
      rc = print_usage_error("help takes one command, and here is \"%s\" too",
                             o->paths[1]);
    return rc ? rc : check_help(o);
  }
  if (!o->word && o->command != COMMAND_VERSION) {
    help_all(stderr);
    return 2;
  }
  int rc = check_given(o);
  if (rc == 0) rc = check_paths(o);
  return rc ? rc : check_counts(o);
}

void options_help(const Options *o) {
  if (o->word) help_command(stdout, o->word);
  else help_all(stdout);
}

void options_free(Options *o) {
  free(o->paths);
  free(o->given);
  free(o->allow);
}
