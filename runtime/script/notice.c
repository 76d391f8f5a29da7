/* Telling of reloads: one line in the log for each, and the scripts that asked for it
 * (script.on_notice), whichever script it was: a client can show what happens to the
 * hooks beside it. */
#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/parts.h"
#include "script/transaction.h"
#include "vm/task.h"

enum { MAX_FILES = 3 };

/* --- to scripts -------------------------------------------------------------------- */

typedef struct Notice {
  const Script *script;
  const char *event, *text;
  unsigned generation;
  double pause; /* seconds; below 0: none */
} Notice;

static void set_text(lua_State *L, const char *key, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static int push_notice(lua_State *L, void *ctx) {
  const Notice *n = ctx;
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation_of(L)->functions[ON_NOTICE]);
  lua_createtable(L, 0, 5);
  set_text(L, "event", n->event);
  set_text(L, "script", n->script->owner.name);
  set_text(L, "text", n->text);
  lua_pushinteger(L, n->generation);
  lua_setfield(L, -2, "generation");
  if (n->pause < 0) return 1;
  lua_pushnumber(L, n->pause);
  lua_setfield(L, -2, "pause");
  return 1;
}

static void tell_scripts(Notice notice) {
  Runtime *rt = notice.script->rt;
  for (Script *s = script_first(rt); s && !rt->host.stopping; s = script_after(s))
    if (script_current(s) && script_current(s)->functions[ON_NOTICE] != LUA_NOREF)
      task_start(&script_current(s)->vm, TASK_NAME("on_notice", NULL), push_notice,
                 &notice, NULL, NULL);
}

/* --- failures ---------------------------------------------------------------------- */

/* How Lua shows a source's path: cut at its start when it is long. */
static void shown_path(const char *path, char out[LUA_IDSIZE]) {
  size_t len = strlen(path), room = LUA_IDSIZE - 1;
  if (len <= room) memcpy(out, path, len + 1);
  else snprintf(out, LUA_IDSIZE, "...%s", path + len - (room - 3));
}

/* Finds "path:line:" of one of the sources in a message; appends the lines around it. */
static void add_excerpt(Generation *gen, const char *message, Buffer *out) {
  const char *best = NULL, *path = NULL;
  int line = 0;
  for (size_t i = 0; i < gen->sources->count; i++) {
    const SourceFile *file = &gen->sources->files[i];
    char shown[LUA_IDSIZE];
    shown_path(file->path, shown);
    const char *at = strstr(message, shown);
    size_t len = strlen(shown);
    if (!at || at[len] != ':' || !isdigit((unsigned char)at[len + 1])) continue;
    if (best && at > best) continue;
    best = at;
    path = file->path;
    line = atoi(at + len + 1);
  }
  if (best) sources_excerpt(gen->sources, path, line, out);
}

/* The first line of a message is what fits a passing notice. */
static void tell_scripts_failed(const Script *script, const char *message) {
  char *line = xstrndup(message, strcspn(message, "\n"));
  unsigned running = script_current(script) ? script_current(script)->vm.number : 0;
  tell_scripts((Notice){script, "failed", line, running, -1});
  free(line);
}

void notice_failed(Script *script, Generation *gen, const char *message) {
  Buffer text = {0};
  buffer_printf(&text, "%s\n", message);
  if (gen) add_excerpt(gen, message, &text);
  buffer_puts(&text, script_current(script)
                         ? "  the reload is given up: the previous version goes on"
                         : "  the script could not be loaded");
  log_record(script->rt->host.log, LOG_ERROR, script->owner.name, buffer_text(&text),
             NULL);
  buffer_free(&text);
  tell_scripts_failed(script, message);
}

/* The path as seen from the script's folder, or the one around its file. */
static const char *near_path(const Script *script, const char *path) {
  size_t len = strlen(script->path);
  if (strncmp(path, script->path, len) == 0 && path[len] == '/') return path + len + 1;
  while (len > 0 && script->path[len - 1] != '/') len--;
  return strncmp(path, script->path, len) == 0 ? path + len : path;
}

void notice_held(Script *script, const Reload *reload) {
  char *text = xasprintf("held back by %s, with which it shares %s: the previous version "
                         "goes on",
                         reload->culprit->owner.name, near_path(script, reload->shared));
  log_write(script->rt->host.log, LOG_WARN, script->owner.name, "%s", text);
  tell_scripts_failed(script, text);
  free(text);
}

static void add_files(const Script *script, const Sources *old, Buffer *out) {
  Changes changes = sources_changes(old, script_current(script)->sources);
  for (size_t i = 0; i < changes.count && i < MAX_FILES; i++)
    buffer_printf(out, "%s%s", i ? ", " : "; ", near_path(script, changes.paths[i]));
  if (changes.count > MAX_FILES)
    buffer_printf(out, " and %zu more", changes.count - MAX_FILES);
  changes_free(&changes);
}

void notice_probation(Script *script, const char *text) {
  Buffer out = {0};
  buffer_printf(&out, "failed (version %u", script_current(script)->vm.number);
  add_files(script, script->good, &out);
  buffer_printf(&out, "): %s", text);
  log_write(script->rt->host.log, LOG_ERROR, script->owner.name, "%s", buffer_text(&out));
  tell_scripts_failed(script, buffer_text(&out));
  buffer_free(&out);
}

/* --- reloads ----------------------------------------------------------------------- */

static void add_name(Buffer *out, const Resource *res) {
  buffer_printf(out, "%s%s \"%s\"", out->len ? ", " : "", res->kind->name, res->name);
}

/* By then the declaration holds the options of before. */
static void add_changed(Buffer *out, const Declaration *decl, const Resource *res) {
  add_name(out, res);
  buffer_puts(out, " (");
  if (decl->kind->differs && decl->options)
    decl->kind->differs(decl->options, res->options, out);
  else buffer_puts(out, "options");
  buffer_putc(out, ')');
}

static void add_part(Buffer *out, int count, const char *what, Buffer *names) {
  if (count) buffer_printf(out, "; %d %s", count, what);
  if (count && names->len) buffer_printf(out, ": %s", buffer_text(names));
  buffer_free(names);
}

static void add_closing(const Script *script, double grace, Buffer *out) {
  Buffer names = {0};
  int count = 0;
  for (Resource *r = script->rt->resources.first; r; r = r->next) {
    if (r->owner != &script->owner || !timer_active(&r->grace)) continue;
    add_name(&names, r);
    count++;
  }
  char *what = xasprintf("closed in %.3g s unless claimed", grace);
  add_part(out, count, what, &names);
  free(what);
}

void notice_describe(Generation *gen, Buffer *out) {
  int kept = 0, changed = 0, reopened = 0, opened = 0;
  Buffer none = {0}, changes = {0}, again = {0}, fresh = {0};
  for (Declaration *d = gen->vm.decls; d; d = d->next) {
    if (d->attached || !d->res) continue;
    if (d->plan == PLAN_KEEP) kept++;
    else if (d->plan == PLAN_CHANGE) changed++, add_changed(&changes, d, d->res);
    else if (d->plan == PLAN_OPEN) opened++, add_name(&fresh, d->res);
    else reopened++, add_changed(&again, d, d->res);
  }
  add_part(out, kept, "kept", &none);
  add_part(out, changed, "changed", &changes);
  add_part(out, reopened, "reopened", &again);
  add_part(out, opened, "opened", &fresh);
  if (gen->vm.migrated) buffer_puts(out, "; migrated");
}

void notice_log(Script *script, const Sources *old, double pause, Buffer *what) {
  Generation *gen = script_current(script);
  Buffer text = {0};
  buffer_printf(&text, "reloaded (version %u", gen->vm.number);
  add_files(script, old, &text);
  buffer_puts(&text, "): ");
  add_closing(script, gen->grace_seconds, what);
  if (what->len) buffer_printf(&text, "%s; ", buffer_text(what) + 2); /* "; " */
  buffer_printf(&text, "pause %.1f ms", pause * 1000);
  log_write(script->rt->host.log, LOG_INFO, script->owner.name, "%s", buffer_text(&text));
  buffer_free(what);
  *what = text;
}

void notice_tell(Script *script, Buffer *text, double pause) {
  unsigned generation = script_current(script)->vm.number;
  tell_scripts((Notice){script, "reloaded", buffer_text(text), generation, pause});
}
