/* tidelock new: files to start from. The templates are stdlib/new/, compiled in; in them
 * and in names of files NAME stands for the given name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/name.h"
#include "core/buffer.h"
#include "core/json.h"
#include "core/suggest.h"
#include "main/commands.h"
#include "script/runtime.h"
#include "script/script.h"
#include "vm/stdlib.h"

typedef struct NewFile {
  const char *template, *path;
} NewFile;

enum { MOST_FILES = 4 };

typedef struct Kind {
  const char *word;
  bool folder; /* named NAME, made first; with tests/ in it */
  const char *run;
  NewFile files[MOST_FILES];
} Kind;

static const Kind kinds[] = {
    {"bot", false, "NAME.lua", {{"bot", "NAME.lua"}, {"bot_test", "NAME_test.lua"}}},
    {"hook", false, "NAME.lua", {{"hook", "NAME.lua"}, {"hook_test", "NAME_test.lua"}}},
    {"app",
     true,
     "NAME",
     {{"app.main", "NAME/main.lua"},
      {"app.account", "NAME/account.lua"},
      {"app.counting", "NAME/counting.lua"},
      {"app.counting_test", "NAME/tests/counting_test.lua"}}},
};

/* Returns new: the text with NAME replaced. */
static char *replace_name(const char *text, const char *name) {
  Buffer out = {0};
  for (const char *at; (at = strstr(text, "NAME")); text = at + 4) {
    buffer_put(&out, text, (size_t)(at - text));
    buffer_puts(&out, name);
  }
  buffer_puts(&out, text);
  size_t len;
  return buffer_take(&out, &len);
}

static int cannot_make(const char *path) {
  fprintf(stderr, "tidelock: cannot make %s: %s\n", path, strerror(errno));
  return 1;
}

static int write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "wx");
  if (!file) return cannot_make(path);
  fputs(text, file);
  if (fclose(file) != 0) return cannot_make(path);
  printf("made %s\n", path);
  return 0;
}

static const char *template_text(const char *name) {
  for (const StdlibFile *f = stdlib_files; f->module; f++)
    if (stdlib_is_template(f) && strcmp(f->module + 13, name) == 0)
      return (const char *)f->data;
  CHECK(!"a template that is not compiled in");
  return NULL;
}

/* As JSON; a path that is not UTF-8 stands for none. */
static void put_path(Buffer *out, const char *path) {
  if (json_put_string(out, path, strlen(path)) != 0) buffer_puts(out, "\"stdlib/meta\"");
}

/* The settings of the Lua language server: where the types are. An existing file stays.
 */
static int write_settings(const char *folder) {
  char *path = xasprintf("%s.luarc.json", folder);
  char *meta = shipped_path("stdlib/meta");
  struct stat st;
  int status = 0;
  if (lstat(path, &st) == 0) {
    printf("kept %s\n", path);
  } else {
    Buffer text = {0};
    buffer_puts(&text, "{\n  \"runtime.version\": \"Lua 5.4\",\n  \"runtime.path\": "
                       "[\"?.lua\", \"?/init.lua\", \"lib/?.lua\"],\n"
                       "  \"workspace.library\": [");
    put_path(&text, meta ? meta : "stdlib/meta");
    buffer_puts(&text, "],\n  \"workspace.checkThirdParty\": false\n}\n");
    status = write_file(path, buffer_text(&text));
    buffer_free(&text);
  }
  free(path);
  free(meta);
  return status;
}

static int make_folders(const char *name) {
  char *tests = xasprintf("%s/tests", name);
  int status = mkdir(name, 0777) != 0    ? cannot_make(name)
               : mkdir(tests, 0777) != 0 ? cannot_make(tests)
                                         : 0;
  free(tests);
  return status;
}

/* Refused, before anything is made, if one of the files exists. */
static int check_free(const Kind *kind, const char *name) {
  struct stat st;
  int status = 0;
  for (size_t i = 0; i < MOST_FILES && kind->files[i].path && status == 0; i++) {
    char *path = replace_name(kind->folder ? "NAME" : kind->files[i].path, name);
    errno = EEXIST;
    if (lstat(path, &st) == 0) status = cannot_make(path);
    free(path);
  }
  return status;
}

static int make_files(const Kind *kind, const char *name) {
  int status = check_free(kind, name);
  if (status == 0 && kind->folder) status = make_folders(name);
  for (size_t i = 0; i < MOST_FILES && kind->files[i].path && status == 0; i++) {
    char *path = replace_name(kind->files[i].path, name);
    char *text = replace_name(template_text(kind->files[i].template), name);
    status = write_file(path, text);
    free(path);
    free(text);
  }
  char *folder = kind->folder ? xasprintf("%s/", name) : xstrdup("");
  if (status == 0) status = write_settings(folder);
  free(folder);
  char *run = replace_name(kind->run, name);
  if (status == 0) printf("try: tidelock demo %s\n", run);
  free(run);
  return status;
}

/* `new bot x.lua` makes what `new bot x` does. */
static int make_named(const Kind *kind, const char *name) {
  size_t len = strlen(name);
  bool has = len > 4 && strcmp(name + len - 4, ".lua") == 0;
  char *bare = xstrndup(name, has ? len - 4 : len);
  int status = make_files(kind, bare);
  free(bare);
  return status;
}

int command_new(const Options *options) {
  const char *what = options->paths[0], *name = options->paths[1];
  if (!name_valid(name) || strspn(name, ".") == strlen(name)) {
    fprintf(stderr, "tidelock: \"%s\": a name is made of letters, digits, _ . -\n", name);
    return 2;
  }
  Suggestion meant;
  suggest_begin(&meant, what);
  for (size_t i = 0; i < COUNT_OF(kinds); i++) {
    if (strcmp(what, kinds[i].word) == 0) return make_named(&kinds[i], name);
    suggest_offer(&meant, kinds[i].word);
  }
  fprintf(stderr, "tidelock: new makes an app, a bot or a hook, not \"%s\"%s\n", what,
          suggest_text(&meant));
  return 2;
}
