/* What an event costs as JSON: read into a tree, that and pushed into Lua, read into Lua
 * without a tree, written from Lua. Prints nanoseconds, the best of five rounds.
 * `json_bench WHAT N` does one of them N times, for a look with callgrind:
 * --toggle-collect=json_parse, push_tree, luajson_decode_list or luajson_encode. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../c/lua_tree.h"
#include "bridge/luadecode.h"
#include "bridge/luaencode.h"

enum { EVENTS = 200000, ROUNDS = 5 };

/* What tests/bench/flood_server.js sends. */
static const char event[] =
    "[\"tick\",{\"id\":1048576,\"conversation\":\"8b0c6d1e-52f7-4c55-9f0e-3f2b6a5d4c11\","
    "\"user\":{\"id\":42,\"name\":\"Grace Hopper\",\"online\":true},\"text\":\"Ships in "
    "port are safe, but that is not what ships are built for. Sail!\","
    "\"at\":1700000000123,\"tags\":[\"new\",\"mention\"],\"edited\":null,"
    "\"score\":0.875}]";

typedef struct Bench {
  lua_State *L;
  JsonArena *arena;
  Buffer out;
} Bench;

static const cJSON *parse(Bench *b) {
  Error err;
  const cJSON *root = json_parse(b->arena, event, sizeof event - 1, &err);
  CHECK(root);
  return root;
}

static void parse_many(Bench *b, int n) {
  while (n-- > 0) parse(b);
}

static void push_many(Bench *b, int n) {
  while (n-- > 0) {
    push_tree(b->L, b->arena, parse(b));
    lua_pop(b->L, 1);
  }
}

/* As an event goes into its handler: without a tree. */
static void decode_many(Bench *b, int n) {
  Error err;
  LuaJsonList list = {event, sizeof event - 1, 1, NULL, 0, false};
  while (n-- > 0) {
    CHECK(luajson_decode_list(b->L, &list, &err) == 1);
    lua_settop(b->L, 0);
  }
}

static void encode_many(Bench *b, int n) {
  Error err;
  push_tree(b->L, b->arena, parse(b));
  while (n-- > 0) {
    buffer_clear(&b->out);
    CHECK(luajson_encode(b->L, -1, &b->out, &err) == 0);
  }
  lua_pop(b->L, 1);
}

static const struct {
  const char *name;
  void (*many)(Bench *b, int n);
} benches[] = {{"parse", parse_many},
               {"push", push_many},
               {"decode", decode_many},
               {"encode", encode_many}};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(Bench *b, size_t which) {
  double best = 1e9;
  for (int i = 0; i < ROUNDS; i++) {
    double start = now();
    benches[which].many(b, EVENTS);
    double took = now() - start;
    if (took < best) best = took;
  }
  printf("%-8s %6.0f ns an event\n", benches[which].name, best / EVENTS * 1e9);
}

int main(int argc, char **argv) {
  Bench b = {.L = luaL_newstate(), .arena = json_arena_new(NULL)};
  for (size_t i = 0; i < COUNT_OF(benches); i++) {
    if (argc < 3) measure(&b, i);
    else if (strcmp(argv[1], benches[i].name) == 0) benches[i].many(&b, atoi(argv[2]));
  }
  buffer_free(&b.out);
  json_arena_free(b.arena);
  lua_close(b.L);
  return 0;
}
