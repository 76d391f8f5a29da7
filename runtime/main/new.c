/* tidelock new: something to start from. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "main/commands.h"
#include "script/script.h"

static const char bot[] =
    "-- A bot: answers what it hears. Start it with: tidelock run %1$s.lua\n"
    "local socket = require \"tidelock.socket\"\n"
    "local env = require \"tidelock.env\"\n"
    "\n"
    "local chat = socket.connect(\"chat\", { url = env.get(\"WS_URL\", "
    "\"http://127.0.0.1:3000\") })\n"
    "\n"
    "chat:on_state(function(state, info)\n"
    "  print(\"%1$s: \" .. state, info.reason or \"\")\n"
    "end)\n"
    "\n"
    "chat:on(\"new_message\", function(message)\n"
    "  print(message.content)\n"
    "end)\n";

static const char hook[] =
    "-- A hook: reacts to another script's connection. Start it beside the client:\n"
    "--   tidelock run client=PATH %1$s.lua\n"
    "local socket = require \"tidelock.socket\"\n"
    "\n"
    "local chat = socket.attach(\"client:chat\")\n"
    "\n"
    "chat:on(\"new_message\", function(message)\n"
    "  print(\"%1$s saw: \" .. tostring(message.content))\n"
    "end)\n";

static const char app[] =
    "-- An app: a folder; every .lua file in it can be required by its name.\n"
    "-- Start it with: tidelock run %1$s\n"
    "local script = require \"tidelock.script\"\n"
    "local input = require \"tidelock.input\"\n"
    "local greet = require \"greet\"\n"
    "\n"
    "input.on_line(function(line)\n"
    "  if line == \"/quit\" then return script.exit() end\n"
    "  print(greet.answer(line))\n"
    "end)\n"
    "\n"
    "script.on_start(function(reason)\n"
    "  print(\"%1$s: \" .. reason .. \". Type a line, or /quit. Edit greet.lua and "
    "save.\")\n"
    "end)\n";

static const char greet[] = "local M = {}\n"
                            "\n"
                            "function M.answer(line)\n"
                            "  return \"you said: \" .. line\n"
                            "end\n"
                            "\n"
                            "return M\n";

static int write_new(const char *path, const char *text, const char *name) {
  FILE *file = fopen(path, "wx");
  if (!file) {
    fprintf(stderr, "tidelock: cannot make %s: %s\n", path, strerror(errno));
    return 1;
  }
  for (const char *at = text; *at; at++) {
    if (strncmp(at, "%1$s", 4) == 0) {
      fputs(name, file);
      at += 3;
    } else {
      fputc(*at, file);
    }
  }
  if (fclose(file) != 0) return 1;
  printf("made %s\n", path);
  return 0;
}

static int write_file(const char *fmt_dir, const char *file, const char *text,
                      const char *name) {
  char *path = *fmt_dir ? xasprintf("%s/%s", fmt_dir, file) : xasprintf("%s.lua", name);
  int status = write_new(path, text, name);
  free(path);
  return status;
}

static int new_app(const char *name) {
  if (mkdir(name, 0777) != 0) {
    fprintf(stderr, "tidelock: cannot make the folder %s: %s\n", name, strerror(errno));
    return 1;
  }
  int status = write_file(name, "main.lua", app, name);
  return status ? status : write_file(name, "greet.lua", greet, name);
}

int command_new(const Options *options) {
  const char *what = options->paths[0], *name = options->paths[1];
  if (!name_valid(name) || strspn(name, ".") == strlen(name)) {
    fprintf(stderr, "tidelock: \"%s\": a name is made of letters, digits, _ . -\n", name);
    return 2;
  }
  if (strcmp(what, "bot") == 0) return write_file("", "", bot, name);
  if (strcmp(what, "hook") == 0) return write_file("", "", hook, name);
  if (strcmp(what, "app") == 0) return new_app(name);
  fprintf(stderr, "tidelock: new makes an app, a bot or a hook, not \"%s\"\n", what);
  return 2;
}
