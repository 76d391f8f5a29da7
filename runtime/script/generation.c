/* Generations. The ordered end of one (generation_kill) is that of its Vm (vm_end.h),
 * with its declarations unbound and freed in between. The state is closed last, on a
 * worker thread where one can be had. */
#include "script/generation.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "loop/worker.h"
#include "resource/mutations.h"
#include "resource/resource.h"
#include "resource/stores.h"
#include "script/keep_file.h"
#include "script/parts.h"
#include "script/probation.h"
#include "vm/hold.h"
#include "vm/state.h"
#include "vm/task_wait.h"
#include "vm/vm_end.h"
#include "vm/vm_timer.h"
#include "vm/watchdog.h"

enum { STAGE_MEMORY_MIB = 64, LASTING_STEP = 1 };

static void on_ended(Event *event);
static void on_grace(Span *span);

/* --- the hooks of its Vm ------------------------------------------------------------ */

static void on_task_ended(Vm *vm) {
  Generation *gen = generation_of_vm(vm);
  if (gen->vm.state != VM_RETIRING || gen->vm.tasks || gen->ended_queued) return;
  gen->ended_queued = true; /* not now: the task's last frames may be on the C stack */
  inbox_push(gen->rt->host.loop, &gen->ended);
}

/* The test that runs fails, where there is one. */
static void add_uncaught(Runtime *rt, const char *text) {
  enum { MOST = 16384 };
  char *before = rt->tests.uncaught;
  if (!rt->options.tests_only || (before && strlen(before) > MOST)) return;
  rt->tests.uncaught =
      xasprintf("%s%s%.*s", before ? before : "", before ? "\n" : "", MOST, text);
  free(before);
}

static void on_failed(Vm *vm, const char *text) {
  Generation *gen = generation_of_vm(vm);
  add_uncaught(gen->rt, text);
  gen->failed = true;
  probation_failed(gen, text);
}

/* Its keep may have changed. */
static void on_turn_ended(Vm *vm) {
  keep_file_touch(generation_of_vm(vm));
}

static int find_module(lua_State *L, const char *name) {
  Sources *sources = generation_of(L)->sources;
  const SourceFile *file = *name ? sources_use(sources, name) : NULL;
  if (!file && sources_is_self(sources, name))
    return luaL_error(
        L,
        "module '%s' is the script itself, which cannot be required, by way "
        "of its modules either: what both need goes into a module of its own",
        name);
  if (!file) return 0;
  size_t len;
  const char *code = source_code(file, &len);
  lua_pushfstring(L, "@%s", file->path);
  if (luaL_loadbufferx(L, code, len, lua_tostring(L, -1), "t")) return lua_error(L);
  return 1;
}

static void offer_modules(const Vm *vm, Suggestion *meant) {
  const Sources *sources = generation_of_vm(vm)->sources;
  for (size_t i = 0; i < sources->count; i++)
    suggest_offer(meant, sources->files[i].module);
}

static bool is_source(const Vm *vm, const char *path) {
  const Sources *sources = generation_of_vm(vm)->sources;
  for (size_t i = 0; i < sources->count; i++)
    if (strcmp(sources->files[i].path, path) == 0) return true;
  return false;
}

static const VmHooks hooks = {.failed = on_failed,
                              .task_ended = on_task_ended,
                              .turn_ended = on_turn_ended,
                              .find_module = find_module,
                              .offer_modules = offer_modules,
                              .is_source = is_source};

/* --- making one --------------------------------------------------------------------- */

Generation *generation_new(Script *script, Sources *sources) {
  Generation *gen = xcalloc(1, sizeof *gen);
  gen->script = script;
  gen->rt = script->rt;
  gen->sources = sources;
  vm_init(&gen->vm, &script->owner, &hooks, ++script->generations);
  gen->grace_seconds = script->rt->options.grace;
  gen->keep = LUA_NOREF;
  for (int i = 0; i < GEN_FUNCTIONS; i++) gen->functions[i] = LUA_NOREF;
  gen->version = 1;
  gen->version_on_disk = -1;
  gen->grace.over = on_grace;
  gen->ended.run = on_ended;
  return gen;
}

Generation *generation_of(lua_State *L) {
  return generation_of_vm(vm_of(L));
}

int generation_load_main(Generation *gen, Error *err) {
  lua_State *L = gen->vm.L;
  const SourceFile *file = sources_use(gen->sources, "");
  size_t len;
  const char *code = source_code(file, &len);
  char *name = xasprintf("@%s", file->path);
  int status = luaL_loadbufferx(L, code, len, name, "t");
  free(name);
  if (status == LUA_OK) return 0;
  error_set(err, status == LUA_ERRMEM ? ERR_MEMORY : ERR_SCRIPT, "%s",
            lua_tostring(L, -1));
  lua_pop(L, 1);
  return (int)err->code;
}

/* --- life ------------------------------------------------------------------------- */

void generation_limit_stage(Generation *gen) {
  size_t limit = gen->vm.memory + ((size_t)STAGE_MEMORY_MIB << 20);
  if (limit < gen->vm.memory_limit) gen->vm.memory_limit = limit;
}

void generation_start(Generation *gen) {
  CHECK(gen->vm.state == VM_STAGING);
  vm_set_state(&gen->vm, VM_LIVE);
  vm_timers_start(&gen->vm);
}

bool generation_has_work(const Generation *gen) {
  return gen->vm.tasks != NULL || gen->vm.timers != NULL;
}

static void unlink_generation(Generation *gen) {
  Script *script = gen->script;
  Generation **at = &script->retiring;
  while (*at && *at != gen) at = &(*at)->next;
  if (*at) *at = gen->next;
  if (script_current(script) == gen) script->owner.current = NULL;
  if (script->staging == gen) script->staging = NULL;
}

static void close_state(uv_work_t *work) {
  Generation *gen = work->data;
  vm_close(&gen->vm);
}

static void state_closed(uv_work_t *work, int status) {
  (void)status;
  Generation *gen = work->data;
  gen->rt->closing--;
  vm_free(&gen->vm);
  sources_free(gen->sources);
  probation_free(gen);
  free(gen);
}

/* A large state takes long to close: that is for a worker thread, if there may be one. */
static void close_and_free(Generation *gen, bool worker) {
  gen->work.data = gen;
  gen->rt->closing++;
  if (gen->vm.L && worker) {
    CHECK(uv_queue_work(loop_uv(gen->rt->host.loop), &gen->work, close_state,
                        state_closed) == 0);
    return;
  }
  close_state(&gen->work);
  state_closed(&gen->work, 0);
}

void generation_kill(Generation *gen) {
  Runtime *rt = gen->rt;
  unlink_generation(gen);
  span_stop(&gen->grace);
  span_stop(&gen->probation.span);
  vm_stop(&gen->vm);
  declarations_free(&gen->vm);
  store_traces_free(&gen->vm);
  mutations_drop(&gen->vm);
  vm_sever(&gen->vm);
  keep_file_drop(gen);
  if (gen->ended_queued) return; /* on_ended goes on */
  bool worker = worker_may_start();
  if (!gen->vm.L || worker) {
    close_and_free(gen, worker);
    return;
  }
  gen->ended_queued = true; /* not now: whoever kills it may still look at it */
  inbox_push(rt->host.loop, &gen->ended);
}

static void on_ended(Event *event) {
  Generation *gen = CONTAINER_OF(event, Generation, ended);
  gen->ended_queued = false;
  if (gen->vm.state == VM_DEAD) {
    close_and_free(gen, worker_may_start());
  } else if (gen->vm.state == VM_RETIRING && (gen->cut || !gen->vm.tasks)) {
    generation_kill(gen);
  }
}

/* The event comes behind those that wake the tasks: each has had its turn by then. */
void generation_cut(Generation *gen) {
  CHECK(gen->vm.state == VM_RETIRING);
  if (gen->cut) return;
  gen->cut = true;
  watchdog_share_begin(&gen->vm);
  span_stop(&gen->grace);
  task_cut_all(&gen->vm);
  hold_end(gen->vm.owner); /* others that were held are so again */
  if (gen->ended_queued) return;
  gen->ended_queued = true;
  inbox_push(gen->rt->host.loop, &gen->ended);
}

static void on_grace(Span *span) {
  Generation *gen = CONTAINER_OF(span, Generation, grace);
  if (gen->vm.lasting > 0) { /* a refresh ends by its own deadline */
    span_start(gen->rt->host.loop, span, LASTING_STEP);
    return;
  }
  size_t count = task_count(&gen->vm);
  if (count)
    log_write(gen->rt->host.log, LOG_WARN, gen->script->owner.name,
              "%zu task(s) of the replaced generation did not end within %.3g s and are "
              "stopped",
              count, gen->grace_seconds);
  generation_cut(gen);
}

void generation_cancel_tasks(Generation *gen) {
  watchdog_share_begin(&gen->vm);
  task_cancel_all(&gen->vm);
}

void generation_retire(Generation *gen) {
  CHECK(gen->vm.state == VM_LIVE);
  unlink_generation(gen);
  vm_set_state(&gen->vm, VM_RETIRING);
  gen->next = gen->script->retiring;
  gen->script->retiring = gen;
  vm_timers_stop(&gen->vm);
  span_start(gen->rt->host.loop, &gen->grace, gen->grace_seconds);
  on_task_ended(&gen->vm);
}

/* --- what a script says of itself ----------------------------------------------------
 */

int *generation_function(Generation *gen, GenFunction which) {
  return &gen->functions[which];
}

int generation_keep(const Generation *gen) {
  return gen->keep;
}

void generation_set_grace(Generation *gen, double seconds) {
  gen->grace_seconds = seconds;
}

void generation_set_probation(Generation *gen, bool wanted) {
  gen->no_probation = !wanted;
}

bool generation_set_version(Generation *gen, int64_t version) {
  if (gen->versioned) return false;
  gen->version = version;
  gen->versioned = true;
  return true;
}
