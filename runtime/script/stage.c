/* Staging: the top level of a new generation runs, in slices, and only declares. */
#include <stdlib.h>

#include <lauxlib.h>

#include "script/parts.h"
#include "script/lint.h"
#include "script/transaction.h"
#include "vm/state.h"
#include "vm/task.h"
#include "vm/watchdog.h"

static void stage_done(void *ctx, lua_State *co, int n, bool ok) {
  (void)n;
  Generation *gen = ctx;
  Script *script = gen->script;
  Task *top_level = script->owner.stage;
  script->owner.stage = NULL;
  if (!co && script->staging != gen) return; /* killed: given up */
  if (!ok) {
    char *message = co ? task_describe(&gen->vm, co, top_level ? top_level->trace : NULL)
                       : xstrdup("no memory to run the script");
    notice_failed(script, gen, message);
    free(message);
    if (script->rt->options.check_only)
      lint(gen, true); /* often it says what was meant */
  }
  reload_staged(script, ok);
}

static int push_main(lua_State *L, void *ctx) {
  (void)ctx;
  Generation *gen = generation_of(L);
  lua_State *from = gen->vm.L;
  lua_xmove(from, L, 1); /* generation_load_main left it there */
  watchdog_stage(L);
  gen->script->owner.stage = gen->rt->host.current;
  return 0;
}

static int f_make_keep(lua_State *L) {
  lua_newtable(L);
  lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
  return 1;
}

static int make_keep(Generation *gen, Error *err) {
  lua_State *L = gen->vm.L;
  Script *script = gen->script;
  lua_pushcfunction(L, f_make_keep);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK) return error_set(err, ERR_MEMORY, "no memory");
  gen->keep = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  Keep none = {0};
  int code = keep_capture(script_current(script), false, &script->keep_before, err);
  return code ? code : keep_merge(gen, &none, &script->keep_before, err);
}

void stage(Script *script, Sources *sources) {
  Error err;
  Generation *gen = generation_new(script, sources);
  script->staging = gen;
  script->owner.stage_clock = (StageClock){0};
  keep_free(&script->keep_before);
  if (generation_open(gen, &err) || make_keep(gen, &err) ||
      generation_load_main(gen, &err)) {
    notice_failed(script, gen, err.message);
    reload_staged(script, false);
    return;
  }
  generation_limit_stage(gen);
  task_start(&gen->vm, TASK_NAME("the top level", NULL), push_main, NULL, stage_done,
             gen);
}
