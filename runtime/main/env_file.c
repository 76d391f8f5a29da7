/* The file that --env names: NAME=VALUE lines, put into this process' environment. */
#include "main/env_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base.h"

static char *trim_blanks(char *text) {
  while (*text == ' ' || *text == '\t') text++;
  size_t len = strlen(text);
  while (len > 0 && strchr(" \t\r\n", text[len - 1])) text[--len] = '\0';
  return text;
}

/* An --env file while it is read. */
typedef struct EnvFile {
  const char *path;
  int line;
  char **ours; /* names that this file has set; owned */
  size_t count;
} EnvFile;

static bool is_ours(const EnvFile *env, const char *name) {
  for (size_t i = 0; i < env->count; i++)
    if (strcmp(env->ours[i], name) == 0) return true;
  return false;
}

/* A variable that the environment has already stays, empty or not; of two lines the later
 * one counts. */
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
  line = trim_blanks(line);
  if (*line == '\0' || *line == '#') return 0;
  if (strncmp(line, "export ", 7) == 0) line = trim_blanks(line + 7);
  char *equals = strchr(line, '=');
  if (!equals || equals == line) {
    fprintf(stderr, "tidelock: %s:%d: not NAME=VALUE\n", env->path, env->line);
    return 2;
  }
  *equals = '\0';
  char *value = trim_blanks(equals + 1);
  size_t len = strlen(value);
  if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
    value[len - 1] = '\0';
    value++;
  }
  set_variable(env, trim_blanks(line), value);
  return 0;
}

static int cannot_read(const char *path) {
  fprintf(stderr, "tidelock: cannot read %s: %s\n", path, strerror(errno));
  return 2;
}

int env_file_read(const char *path) {
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
