/* Declaring: which names may be, twice in one generation or not, and what is left of the
 * options when it raises. What becomes of a declaration: reconcile_test. */
#include "resource/declare.h"

#include <lauxlib.h>

#include "said_env.h"

static int alive; /* options that are not freed */

static void free_option(void *options) {
  alive--;
  free(options);
}

static int open_thing(Resource *res, Error *err) {
  if (strcmp(res->name, "refused") == 0) return error_set(err, ERR_BUSY, "refused");
  res->object = res;
  return 0;
}

static void close_thing(Resource *res) {
  res->object = NULL;
}

static bool is_alive(const Resource *res) {
  (void)res;
  return true;
}

static const ResourceKind kind = {.name = "thing",
                                  .open = open_thing,
                                  .close = close_thing,
                                  .alive = is_alive,
                                  .free_options = free_option};

/* declare(name): true, or nil and why */
static int f_declare(lua_State *L) {
  const char *name = declared_name(L, 1);
  void *options = xmalloc(1);
  alive++;
  Error err;
  if (declare(L, &kind, name, options, &err)) return lua_pushboolean(L, 1), 1;
  lua_pushnil(L);
  lua_pushstring(L, err.message);
  return 2;
}

static int f_attach(lua_State *L) {
  declare_attached(L, &kind, declared_name(L, 1));
  return 0;
}

/* end_of(name): the resource is closed */
static int f_end_of(lua_State *L) {
  Declaration *decl = declaration_of(vm_of(L), &kind, luaL_checkstring(L, 1));
  resource_close(decl->res);
  return 0;
}

static int open_module(lua_State *L) {
  lua_register(L, "declare", f_declare);
  lua_register(L, "attach", f_attach);
  lua_register(L, "end_of", f_end_of);
  lua_pushboolean(L, 1);
  return 1;
}

static int open_things(void **state) {
  (void)state;
  static LuaModule modules[64] = {{"test.things", open_module}};
  for (int i = 0; lua_modules[i].name; i++) modules[i + 1] = lua_modules[i];
  alive = 0;
  env_open(&env, (RuntimeOptions){.grace = 0.1, .modules = modules});
  return 0;
}

/* Nothing is lost, whatever raised. */
static int close_things(void **state) {
  close_world(state);
  return alive;
}

#define HEAD                                                                             \
  "require 'test.things'\n"                                                              \
  "local function why(f, ...) local ok, err = pcall(f, ...) return ok and 'fine' or "    \
  "err end\n"

static void assert_said(const char *code, const char *words) {
  run_script(HEAD, code, words);
}

static void names_are_of_few_characters(void **state) {
  (void)state;
  assert_said(
      "for _, name in ipairs { '', 'a b', 'a:b', 'a/b', ('x'):rep(65), '\\xc3\\xa4' } "
      "do\n"
      "  local err = why(declare, name)\n"
      "  say(err:find('a name is made of letters, digits, _ . - (64 at most)', 1, "
      "true) ~= nil)\n"
      "end\n"
      "for _, name in ipairs { 'a', 'A.b_c-9', ('x'):rep(64) } do\n"
      "  say(declare(name)) end",
      "true true true true true true true true true");
}

static void a_zero_byte_cuts_nothing_off(void **state) {
  (void)state;
  assert_said("say(why(declare, 'a\\0b'):find('cannot hold a zero byte') ~= nil)\n"
              "say(declare 'a')",
              "true true");
}

static void a_name_is_declared_once(void **state) {
  (void)state;
  assert_said("say(declare 'a') local err = why(declare, 'a')\n"
              "say(err:match('bot.lua:%d+: (.*)'))",
              "true thing \"a\" is declared twice in this script");
}

static void one_that_could_not_be_opened_may_be_tried_again(void **state) {
  (void)state;
  assert_said("say(select(2, declare 'refused')) say(select(2, declare 'refused'))",
              "refused refused");
}

static void one_whose_resource_is_closed_may_be_declared_again(void **state) {
  (void)state;
  assert_said("for i = 1, 100 do declare 'a' end_of 'a' end\n"
              "say(declare 'a') say(why(declare, 'a'):find('twice') ~= nil)",
              "true true");
  size_t count = 0;
  for (Declaration *d = said_vm()->decls; d; d = d->next) count += d->kind == &kind;
  assert_int_equal(count, 1); /* what is over is forgotten */
}

static void attaching_takes_a_script_and_a_name(void **state) {
  (void)state;
  assert_said(
      "say(why(attach, 'chat'):find('attach takes \"script:name\", not \"chat\"') ~= "
      "nil)\n"
      "say(why(attach, 'a:b c'):find('a name is made of') ~= nil)\n"
      "say(why(attach, 'x:chat'))\n"
      "say(why(attach, 'x:chat'):find('twice') ~= nil)\n"
      "say(why(attach, 'y:chat')) say(declare 'chat')",
      "true true fine true fine true");
}

/* While it loads, and in the generation after it. */
static void each_generation_declares_for_itself(void **state) {
  (void)state;
  env_save(&env, "bot",
           "require 'test.things' declare 'a'\n"
           "log.info(tostring(select(2, pcall(declare, 'a'))))\n"
           "script.on_start(function() log.info 'UP' end)\n");
  env_await(&env, "UP");
  assert_true(env_has(&env, "thing \"a\" is declared twice"));
  env_save(&env, "bot",
           "require 'test.things' declare 'a' declare 'b'\n"
           "script.on_start(function() log.info 'AGAIN' end)\n");
  env_await(&env, "AGAIN");
  assert_int_equal(alive, 3); /* of a: in force, and what it replaced; of b */
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, open_things, close_things)
      test(names_are_of_few_characters),
      test(a_zero_byte_cuts_nothing_off),
      test(a_name_is_declared_once),
      test(one_that_could_not_be_opened_may_be_tried_again),
      test(one_whose_resource_is_closed_may_be_declared_again),
      test(attaching_takes_a_script_and_a_name),
      test(each_generation_declares_for_itself),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
