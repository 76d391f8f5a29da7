/* See help.h. Texts are lines of at most 52 characters; the columns are laid out
 * here. */
#include "main/help.h"

#include <stdlib.h>
#include <string.h>

#include "core/base.h"

typedef struct CommandHelp {
  const char *word, *arguments;
  const char *brief; /* in the list of commands */
  const char *more;  /* in its own help */
} CommandHelp;

static const CommandHelp commands[] = {
    {"demo", "[[NAME=]PATH...]",
     "the embedded backend and the shipped client, on\n"
     "loopback, and scripts of yours beside them",
     "The backend takes a free port, or $PORT. Data is kept in the profile demo.\n"
     "  tidelock demo examples/hook.lua     a hook on the client's connection\n"},
    {"run", "[NAME=]PATH...",
     "run scripts (a .lua file or a folder with\n"
     "main.lua), reload on save; what follows -- is\n"
     "script.args",
     "It ends when nothing is left to wait for, or on script.exit.\n"
     "  tidelock run bot.lua                one script, called bot\n"
     "  tidelock run a=bot.lua b=bot.lua    the same under two names\n"},
    {"check", "PATH...",
     "load only; print what is wrong; exit 1 if\n"
     "anything is",
     "Nothing is opened. Names that nobody defines and modules that do not\n"
     "compile, though they are required later, are warned about.\n"},
    {"new", "bot|hook|app NAME", "a file or folder to start from, with a test",
     "Each does something at once: tidelock demo NAME.lua, or tidelock demo NAME.\n"
     "A bot has a connection of its own, a hook listens in on the client's, an\n"
     "app is a folder of modules.\n"},
    {"test", "PATH...",
     "run tests (tidelock.test): files, or the\n"
     "*_test.lua of folders and of those in them",
     "The last line is \"N passed, N failed\"; exit 1 if any failed, or none ran.\n"},
    {"data", "list|show|export|restore|reset [NAME...]",
     "what is kept in the profile: list it, show or\n"
     "export it as JSON, bring back what was set aside,\n"
     "set something aside",
     "  tidelock data list                  what there is, and what was set aside\n"
     "  tidelock data show client:chat      its state; export [NAME...] prints all\n"
     "  tidelock data reset client:chat     sets it aside: the next run begins anew\n"
     "  tidelock data restore NAME          brings it back, sets aside what is there\n"
     "reset and restore are refused while a process has the profile.\n"},
    {"help", "[COMMAND]", "this, or what one command does", ""},
    {"version", "", "also --version", ""},
};

static const char running[] = "demo run", keeping[] = "demo run data",
                  reaching[] = "demo run test", all[] = "demo run check test";

typedef struct OptionHelp {
  const char *of, *name, *value, *text;
} OptionHelp;

static const OptionHelp options[] = {
    {"test", "--only", "PATTERN",
     "the tests of that name, or of that group, or\n"
     "whose name has it in it"},
    {"test", "--watch", "", "run again at every save"},
    {running, "--plain", "",
     "no terminal UI: lines in, lines out (there is\n"
     "no other yet)"},
    {running, "--no-watch", "", "do not reload on save"},
    {running, "--watch-poll", "",
     "look for saves once a second (network file\n"
     "systems)"},
    {all, "--env", "FILE",
     "NAME=VALUE lines for the environment; what is\n"
     "set there already stays"},
    {keeping, "--data", "DIR", "where data is kept (default: XDG data home)"},
    {keeping, "--profile", "NAME",
     "data of its own under that name (default:\n"
     "default; of demo: demo)"},
    {running, "--memory", "", "keep nothing on disk"},
    {reaching, "--allow", "NAME:files=DIR[:write]",
     "the script NAME may read files in this folder, or\n"
     "write too (tidelock.fs); may be given several times"},
    {running, "--stop-timeout", "SECONDS",
     "how long ending may take after Ctrl-C or SIGTERM:\n"
     "the last second is for flushing and goodbyes,\n"
     "on_stop has the rest (default: 3)"},
    {all, "--turn-limit", "SECONDS",
     "how long a script may run without waiting\n"
     "(default: 1)"},
    {all, "--log", "LEVEL", "debug, info, warn, error or off (default: info)"},
    {all, "--log-format", "text|json", "(default: text)"},
    {all, "--log-file", "PATH", "append the log there, not to standard error"},
    {"", "--help", "", ""},
    {"", "--version", "", ""},
};

static const char ending[] =
    "exit status: 0 done; 1 ended with uncaught errors or a refused connection, or a\n"
    "script asked for it; 2 wrong usage; 78 a script failed to load; 130 interrupted;\n"
    "143 terminated\n"
    "signals: SIGHUP reloads all scripts, SIGUSR1 opens the log file anew; SIGINT and\n"
    "SIGTERM stop cleanly, a second one at once\n";

enum { COLUMN = 27 };

/* Prints `  left      text`, further lines of the text below it. */
static void put_row(FILE *out, const char *left, const char *text) {
  fprintf(out, "  %-*s", COLUMN - 2, left);
  if (strlen(left) > COLUMN - 3) fprintf(out, "\n%*s", COLUMN, "");
  for (;; text++) {
    size_t len = strcspn(text, "\n");
    fprintf(out, "%.*s\n", (int)len, text);
    text += len;
    if (!*text) return;
    fprintf(out, "%*s", COLUMN, "");
  }
}

static void put_pair(FILE *out, const char *a, const char *b, const char *text) {
  char *left = xasprintf("%s%s%s", a, *b ? " " : "", b);
  put_row(out, left, text);
  free(left);
}

/* The options of exactly the commands in `of`, or (`whole` false) of any of them. */
static void put_options(FILE *out, const char *heading, const char *of, bool whole) {
  bool any = false;
  for (size_t i = 0; i < COUNT_OF(options); i++) {
    if (whole ? strcmp(options[i].of, of) != 0 : !strstr(options[i].of, of)) continue;
    if (!any) fprintf(out, "\n%s:\n", heading);
    any = true;
    put_pair(out, options[i].name, options[i].value, options[i].text);
  }
}

void help_all(FILE *out) {
  fputs("usage: tidelock COMMAND\n\n", out);
  for (size_t i = 0; i < COUNT_OF(commands); i++)
    put_pair(out, commands[i].word, commands[i].arguments, commands[i].brief);
  put_options(out, "options of test", "test", true);
  put_options(out, "options of run and demo", running, true);
  put_options(out, "options of run, demo and data", keeping, true);
  put_options(out, "options of run, demo and test", reaching, true);
  put_options(out, "options of run, demo, check and test", all, true);
  fprintf(out, "\n%s", ending);
}

bool help_command(FILE *out, const char *word) {
  for (size_t i = 0; i < COUNT_OF(commands); i++) {
    const CommandHelp *c = &commands[i];
    if (strcmp(c->word, word) != 0) continue;
    if (!out) return true;
    fprintf(out, "usage: tidelock %s%s%s\n\n%s\n", word, *c->arguments ? " " : "",
            c->arguments, c->brief);
    if (*c->more) fprintf(out, "\n%s", c->more);
    put_options(out, "options", word, false);
    return true;
  }
  return false;
}

static const OptionHelp *find_option(const char *name) {
  for (size_t i = 0; i < COUNT_OF(options); i++)
    if (strcmp(options[i].name, name) == 0) return &options[i];
  return NULL;
}

const char *help_option_value(const char *option) {
  const OptionHelp *found = find_option(option);
  return found ? found->value : NULL;
}

const char *help_option(const char *option) {
  const OptionHelp *found = find_option(option);
  return found ? found->name : NULL;
}

/* An option without commands is for each of them. */
static bool is_for_command(const OptionHelp *option, const char *word) {
  return !*option->of || strstr(option->of, word) != NULL;
}

bool help_option_of(const char *option, const char *word) {
  const OptionHelp *found = find_option(option);
  return found && is_for_command(found, word);
}

void help_option_commands(const char *option, Buffer *out) {
  const OptionHelp *found = find_option(option);
  for (const char *at = found->of; *at;) {
    size_t len = strcspn(at, " ");
    bool last = !at[len];
    if (at > found->of) buffer_puts(out, last ? " and " : ", ");
    buffer_put(out, at, len);
    at += last ? len : len + 1;
  }
}

const char *help_meant_command(Suggestion *s, const char *word) {
  suggest_begin(s, word);
  for (size_t i = 0; i < COUNT_OF(commands); i++) suggest_offer(s, commands[i].word);
  return suggest_text(s);
}

const char *help_meant_option(Suggestion *s, const char *option, const char *word) {
  suggest_begin(s, option);
  for (size_t i = 0; i < COUNT_OF(options); i++)
    if (!word || is_for_command(&options[i], word)) suggest_offer(s, options[i].name);
  return suggest_text(s);
}
