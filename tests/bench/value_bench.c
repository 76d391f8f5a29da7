/* What immutable values cost: changes in short and long lists, reading through views
 * beside plain tables, memory. Nanoseconds, the best of five rounds. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lua/modules.h"
#include "vm/bounded.h"
#include "bridge/draft.h"
#include "bridge/luavalue.h"
#include "bridge/view.h"

enum { ROUNDS = 5 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A message of the reference plan's shape. */
static Value message(ValueAccount *a, int id) {
  char text[40];
  size_t len = (size_t)snprintf(text, sizeof text, "8b0c6d1e-52f7-4c55-9f0e-%012d", id);
  static const char words[] =
      "Ships in port are safe, but that is not what they are for.";
  ValueField fields[] = {{"id", 2, value_text(a, text, len)},
                         {"session", 7, value_text(a, text, 36)},
                         {"sender", 6, value_text(a, "user", 4)},
                         {"content", 7, value_text(a, words, sizeof words - 1)},
                         {"at", 2, value_double(1700000000.5 + id)},
                         {"status", 6, value_text(a, "sent", 4)}};
  return value_object_of(a, fields, COUNT_OF(fields));
}

static Value messages(ValueAccount *a, int count) {
  Value *items = malloc((size_t)count * sizeof *items);
  for (int i = 0; i < count; i++) items[i] = message(a, i);
  Value list = value_array(a, items, (size_t)count);
  free(items);
  return list;
}

static void row(const char *what, double ns) {
  printf("%-58s %9.0f ns\n", what, ns);
}

/* --- values ---------------------------------------------------------------------------
 */

typedef struct Bench {
  ValueAccount *account;
  Value list;
  int count;
} Bench;

typedef void Op(Bench *b, size_t at);

static void op_at(Bench *b, size_t at) {
  CHECK(value_array_at(b->list, at).type == VALUE_OBJECT);
}

static void op_set(Bench *b, size_t at) {
  Value changed = value_retain(b->list);
  value_array_set(b->account, &changed, at, value_int(1));
  value_release(changed);
}

static void op_insert(Bench *b, size_t at) {
  Value changed = value_retain(b->list);
  value_array_insert(b->account, &changed, at, value_int(1));
  value_release(changed);
}

static void op_remove(Bench *b, size_t at) {
  Value changed = value_retain(b->list);
  value_array_remove(b->account, &changed, at, NULL);
  value_release(changed);
}

static int ignore(void *ctx, const ValueChange *change) {
  (void)ctx, (void)change;
  return 0;
}

static void op_diff(Bench *b, size_t at) {
  Value changed = value_retain(b->list);
  value_array_insert(b->account, &changed, at, value_int(1));
  value_diff(b->list, changed, ignore, NULL);
  value_release(changed);
}

static void measure(Bench *b, const char *what, Op *op, int times) {
  double best = 1e9;
  for (int round = 0; round < ROUNDS; round++) {
    double start = now();
    for (int i = 0; i < times; i++) op(b, (size_t)i * 7919u % (size_t)b->count);
    double took = (now() - start) / times;
    if (took < best) best = took;
  }
  char text[80];
  snprintf(text, sizeof text, "%d messages: %s", b->count, what);
  row(text, best * 1e9);
}

static void values(int count) {
  Bench b = {value_account_new(0), {0}, count};
  double start = now();
  b.list = messages(b.account, count);
  double made = now() - start;
  measure(&b, "item by position", op_at, 200000);
  measure(&b, "one set, the old kept", op_set, 50000);
  measure(&b, "one inserted, the old kept", op_insert, 50000);
  measure(&b, "one removed, the old kept", op_remove, 50000);
  measure(&b, "one inserted, and the difference found", op_diff, 50000);
  uint64_t before = value_account_made(b.account);
  op_insert(&b, (size_t)count / 2);
  printf("nodes that an insertion copies or makes: %d\n",
         (int)(value_account_made(b.account) - before));
  printf("memory: %zu bytes a message; made in %.1f ms",
         value_account_used(b.account) / (size_t)count, made * 1e3);
  start = now();
  value_release(b.list);
  printf(", released in %.1f ms\n\n", (now() - start) * 1e3);
  value_account_close(b.account);
}

/* --- scripts --------------------------------------------------------------------------
 */

static const char lua_setup[] =
    "core = require 'core'\n"
    "function plain(n)\n"
    "  local list = {}\n"
    "  for i = 1, n do list[i] = {id = 'm' .. i, text = 'hello', at = i, read = false}\n"
    "  end\n"
    "  return {messages = list, ai = {busy = false, progress = 0}, count = 0}\n"
    "end\n"
    "small, large = core.value(plain(1000)), core.value(plain(100000))\n"
    "table_small, list = plain(1000), nil\n"
    "list = small.messages\n";

static double time_lua(lua_State *L, const char *body, int times) {
  char code[512];
  snprintf(
      code, sizeof code,
      "local small, large, plain, change, copy = small, large, table_small, "
      "core.change, core.copy\nlocal view = small\nreturn function(n) for i = 1, n do "
      "%s end end",
      body);
  double best = 1e9;
  CHECK(luaL_dostring(L, code) == LUA_OK);
  for (int round = 0; round < ROUNDS; round++) {
    lua_pushvalue(L, -1);
    lua_pushinteger(L, times);
    double start = now();
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) check_failed(lua_tostring(L, -1), body, 0);
    double took = (now() - start) / times;
    if (took < best) best = took;
  }
  lua_pop(L, 1);
  return best * 1e9;
}

static void scripts(void) {
  static const struct {
    const char *what, *body;
    int times;
  } rows[] = {
      {"an empty turn of the loop", "", 5000000},
      {"plain table: t.count", "local x = plain.count", 5000000},
      {"view: v.count", "local x = view.count", 2000000},
      {"plain table: t.ai.progress", "local x = plain.ai.progress", 5000000},
      {"view: v.ai.progress", "local x = view.ai.progress", 2000000},
      {"plain table: t.messages[i].text", "local x = plain.messages[i % 1000 + 1].text",
       2000000},
      {"view: v.messages[i].text, another item each time",
       "local x = view.messages[i % 1000 + 1].text", 500000},
      {"view: #v.messages", "local x = #view.messages", 2000000},
      {"plain table: ipairs over 1,000 (a loop)",
       "for _, m in ipairs(plain.messages) do local x = m.read end", 1000},
      {"view: ipairs over 1,000 (a loop)",
       "for _, m in ipairs(view.messages) do local x = m.read end", 500},
      {"view: pairs over 1,000 (a loop)",
       "for _, m in pairs(view.messages) do local x = m.read end", 500},
      {"change of 1 field, 1,000 messages",
       "change(small, function(d) d.ai.progress = i end)", 50000},
      {"change of 1 field, 100,000 messages",
       "change(large, function(d) d.ai.progress = i end)", 50000},
      {"change of 1 message, 100,000 messages",
       "change(large, function(d) d.messages[i % 100000 + 1].read = true end)", 50000},
      {"insert in the middle, 100,000 messages",
       "change(large, function(d) table.insert(d.messages, i % 100000 + 1, {id = 'x'}) "
       "end)",
       50000},
      {"draft: all 1,000 read by ipairs (a change)",
       "change(small, function(d) for _, m in ipairs(d.messages) do local x = m.read end "
       "end)",
       200},
      {"draft: all 1,000 written (a change)",
       "change(small, function(d) for _, m in ipairs(d.messages) do m.read = true end "
       "end)",
       200},
      {"copy into plain tables, 1,000 messages", "copy(small)", 50}};
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  bounded_open(L);
  luaL_requiref(L, "core", luaopen_tidelock_test_core, 0);
  lua_settop(L, 0);
  CHECK(luaL_dostring(L, lua_setup) == LUA_OK);
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    row(rows[i].what, time_lua(L, rows[i].body, rows[i].times));
  lua_close(L);
}

int main(void) {
  values(1000);
  values(100000);
  scripts();
  return 0;
}
