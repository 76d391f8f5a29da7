/* Reports of loads: one line in the log for each script, and script.on_notice of the
 * scripts that set it, whichever script was loaded: a client can show what happens to the
 * hooks beside it. */
#include "script/notice.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/parts.h"
#include "sources/changes.h"

enum { MAX_FILES = 3 };

/* --- to scripts -------------------------------------------------------------------- */

typedef struct LoadNotice {
  const Script *script;
  const char *event, *text; /* "reloaded" or "failed" */
  unsigned generation;
  double pause; /* seconds; below 0: none */
} LoadNotice;

static void set_text(lua_State *L, const char *key, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static int push_change(lua_State *L, void *ctx) {
  const LoadNotice *n = ctx;
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

static unsigned running_number(const Script *script) {
  return script_current(script) ? script_current(script)->vm.number : 0;
}

static void deliver_to(Script *listener, LoadNotice change) {
  Generation *gen = script_current(listener);
  if (!gen || gen->functions[ON_NOTICE] == LUA_NOREF) return;
  task_start(&gen->vm, TASK_NAME("on_notice", NULL), push_change, &change, NULL, NULL);
}

static void deliver_change(LoadNotice change) {
  Runtime *rt = change.script->rt;
  for (Script *s = script_first(rt); s && !rt->host.stopping; s = script_after(s))
    deliver_to(s, change);
}

/* What failed at the start before this script was there to hear of it. */
static void deliver_earlier(Script *listener) {
  Runtime *rt = listener->rt;
  for (Script *s = script_first(rt); s && !rt->host.stopping; s = script_after(s))
    if (s->refusal)
      deliver_to(listener, (LoadNotice){s, "failed", s->refusal, running_number(s), -1});
}

/* --- failures ---------------------------------------------------------------------- */

/* How Lua shows a source's path: cut at its start when it is long. */
static void shown_path(const char *path, char out[LUA_IDSIZE]) {
  size_t len = strlen(path), room = LUA_IDSIZE - 1;
  if (len <= room) memcpy(out, path, len + 1);
  else snprintf(out, LUA_IDSIZE, "...%s", path + len - (room - 3));
}

/* Finds "path:line:" of one of the sources in a message; appends the lines around it. */
static void add_excerpt(const Sources *sources, const char *message, Buffer *out) {
  const char *best = NULL, *path = NULL;
  int line = 0;
  for (size_t i = 0; i < sources->count; i++) {
    const SourceFile *file = &sources->files[i];
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
  if (best) sources_excerpt(sources, path, line, out);
}

/* The first line of a message is what fits a passing notice. */
static void deliver_failure(Script *script, const char *message) {
  char *line = xstrndup(message, strcspn(message, "\n"));
  deliver_change((LoadNotice){script, "failed", line, running_number(script), -1});
  free(script->refusal);
  script->refusal = line;
}

static void report_failure(Script *script, const Sources *staged, const char *message) {
  Buffer text = {0};
  buffer_printf(&text, "%s\n", message);
  if (staged) add_excerpt(staged, message, &text);
  buffer_puts(&text, script_current(script)
                         ? "  the reload is given up: the previous generation goes on"
                         : "  the script could not be loaded");
  log_record(script->rt->host.log, LOG_ERROR, script->owner.name, buffer_text(&text),
             NULL);
  buffer_free(&text);
  deliver_failure(script, message);
}

void notice_unreadable(Script *script, const char *message) {
  report_failure(script, NULL, message);
}

/* The path as seen from the script's folder, or the one around its file. */
static const char *near_path(const Script *script, const char *path) {
  size_t len = strlen(script->path);
  if (strncmp(path, script->path, len) == 0 && path[len] == '/') return path + len + 1;
  while (len > 0 && script->path[len - 1] != '/') len--;
  return strncmp(path, script->path, len) == 0 ? path + len : path;
}

static void report_held_back(const LoadTransaction *t, Script *script) {
  char *text =
      xasprintf("held back by %s, with which it shares %s: the previous generation "
                "goes on",
                t->culprit->owner.name, near_path(script, t->shared));
  log_write(script->rt->host.log, LOG_WARN, script->owner.name, "%s", text);
  deliver_failure(script, text);
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

void notice_rollback(Script *script, const char *text) {
  Buffer out = {0};
  buffer_printf(&out, "failed (generation %u", script_current(script)->vm.number);
  add_files(script, script->good, &out);
  buffer_printf(&out, "): %s", text);
  log_write(script->rt->host.log, LOG_ERROR, script->owner.name, "%s", buffer_text(&out));
  deliver_failure(script, buffer_text(&out));
  buffer_free(&out);
}

static void report_good_lost(Script *script) {
  char *text =
      xasprintf("the generation before cannot be loaded any more: generation %u stays",
                script_current(script)->vm.number);
  notice_rollback(script, text);
  free(text);
}

void notice_failed(const LoadTransaction *t) {
  for (size_t i = 0; i < t->count; i++) {
    const LoadReport *report = &t->reports[i];
    if (report->failure) report_failure(report->script, report->staged, report->failure);
    if (report->good_lost) report_good_lost(report->script);
  }
  for (size_t i = 0; i < t->count; i++)
    if (t->reports[i].held_back) report_held_back(t, t->reports[i].script);
}

/* --- reloads ----------------------------------------------------------------------- */

/* Whether a script draws on the terminal: it reads lines of standard input, and shows
 * itself what becomes of saves. */
static bool draws_itself(const Resource *res) {
  const Generation *gen = script_current(script_of_owner(res->owner));
  return strcmp(res->kind->name, "input") == 0 && gen &&
         gen->functions[ON_NOTICE] != LUA_NOREF;
}

static bool is_drawn(const Runtime *rt) {
  const Resource *r = rt->resources.first;
  while (r && !draws_itself(r)) r = r->next;
  return r != NULL;
}

static bool is_loading(const Runtime *rt) {
  const Script *s = script_first(rt);
  while (s && !s->load) s = script_after(s);
  return s != NULL;
}

void notice_find_screen(Runtime *rt) {
  if (!rt->options.screen) return;
  bool drawn = is_drawn(rt);
  if (!drawn && is_loading(rt)) return;
  rt->options.screen(rt->options.screen_ctx, drawn);
  if (drawn) rt->options.screen = NULL;
}

static void log_reload(LoadReport *report, double pause) {
  Script *script = report->script;
  Buffer text = {0}, *what = &report->result;
  buffer_printf(&text, "reloaded (generation %u", script_current(script)->vm.number);
  add_files(script, report->before, &text);
  buffer_puts(&text, "): ");
  if (what->len) buffer_printf(&text, "%s; ", buffer_text(what) + 2); /* "; " */
  buffer_printf(&text, "pause %.1f ms", pause * 1000);
  log_write(script->rt->host.log, LOG_INFO, script->owner.name, "%s", buffer_text(&text));
  buffer_free(what);
  *what = text;
}

void notice_log_reloaded(LoadTransaction *t) {
  notice_find_screen(t->rt);
  for (size_t i = 0; i < t->count; i++)
    if (t->reports[i].before) log_reload(&t->reports[i], t->pause);
}

void notice_deliver_reloaded(LoadTransaction *t) {
  for (size_t i = 0; i < t->count; i++) {
    LoadReport *report = &t->reports[i];
    free(report->script->refusal);
    report->script->refusal = NULL;
    if (!report->before) deliver_earlier(report->script);
    if (!report->before) continue;
    unsigned generation = script_current(report->script)->vm.number;
    deliver_change((LoadNotice){report->script, "reloaded", buffer_text(&report->result),
                                generation, t->pause});
  }
}
