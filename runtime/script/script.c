/* Scripts: their names, their beginning and their end. How they are loaded:
 * transaction.c. */
#include "script/script.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "core/name.h"
#include "data/folders.h"
#include "script/batch.h"
#include "script/keep_file.h"
#include "script/parts.h"
#include "script/rollback.h"
#include "script/transaction.h"
#include "vm/hold.h"

/* --- names ------------------------------------------------------------------------ */

/* Returns new: the last part of the path, without .lua. */
static char *last_part(const char *path) {
  size_t end = strlen(path);
  while (end > 1 && path[end - 1] == '/') end--;
  size_t start = end;
  while (start > 0 && path[start - 1] != '/') start--;
  if (end - start > 4 && strncmp(path + end - 4, ".lua", 4) == 0) end -= 4;
  return xstrndup(path + start, end - start);
}

static char *name_of(const char *path) {
  char *real = path[strspn(path, "./")] ? NULL : realpath(path, NULL); /* "." or ".." */
  char *name = last_part(real ? real : path);
  free(real);
  return name;
}

Script *script_find(Runtime *rt, const char *name, size_t len) {
  return script_of_owner(owner_find(&rt->host, name, len));
}

/* --- life ------------------------------------------------------------------------- */

static char **copy_args(char *const *args) {
  size_t n = 0;
  while (args && args[n]) n++;
  char **copy = xcalloc(n + 1, sizeof *copy);
  for (size_t i = 0; i < n; i++) copy[i] = xstrdup(args[i]);
  return copy;
}

Script *script_new(Runtime *rt, const char *name, const char *path, char *const *args,
                   Error *err) {
  char *own = name ? xstrdup(name) : name_of(path);
  Script *script = NULL;
  if (!name_valid(own)) {
    error_set(err, ERR_INVALID,
              "the script name \"%s\" must be made of letters, digits, _ . - "
              "(give one with NAME=%s)",
              own, path);
  } else if (script_find(rt, own, strlen(own))) {
    error_set(err, ERR_BUSY,
              "two scripts are called \"%s\": give one another name with NAME=%s", own,
              path);
  } else {
    script = xcalloc(1, sizeof *script);
    *script = (Script){.rt = rt,
                       .owner = {.host = &rt->host,
                                 .name = xstrdup(own),
                                 .charge = charge_new(rt->host.memory_limit / 4 * 3)},
                       .path = xstrdup(path)};
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
      script->path[n - 1] = '\0';
    script->args = copy_args(args);
    rollback_init(script);
    Owner **at = &rt->host.owners;
    while (*at) at = &(*at)->next;
    *at = &script->owner;
    folders_use(rt->options.folders, own);
  }
  free(own);
  return script;
}

Script *script_add(Runtime *rt, const char *name, const char *path, char *const *args,
                   Error *err) {
  Script *script = script_new(rt, name, path, args, err);
  if (script) script_load(script);
  return script;
}

static int push_stop(lua_State *L, void *ctx) {
  Generation *gen = ctx;
  lua_rawgeti(L, LUA_REGISTRYINDEX, gen->functions[ON_STOP]);
  lua_pushliteral(L, "stop");
  return 1;
}

void script_run_on_stop(Script *script, TaskDone *done) {
  Generation *gen = script_current(script);
  task_start(&gen->vm, TASK_NAME("on_stop", NULL), push_stop, gen, done, script);
}

void script_stop(Script *script) {
  Generation *gen = script_current(script);
  transaction_give_up(script);
  if (gen && gen->functions[ON_STOP] != LUA_NOREF && !script->owner.ending)
    script_run_on_stop(script, NULL);
}

Script *script_of(lua_State *L) {
  return generation_of(L)->script;
}

char *const *script_args(const Script *script) {
  return script->args;
}

bool script_has_work(const Script *script) {
  return script->staging || script->retiring ||
         (script_current(script) && generation_has_work(script_current(script)));
}

void script_free(Script *script) {
  span_stop(&script->end_grace);
  timer_stop(script->rt->host.loop, &script->reload_pace);
  transaction_give_up(script);
  keep_file_close(script);
  while (script->retiring) generation_kill(script->retiring);
  if (script_current(script)) generation_kill(script_current(script));
  hold_free(&script->owner);
  keep_free(&script->keep_before);
  sources_free(script->good);
  uses_free(&script->failed);
  free(script->refusal);
}
