/* table.sort, with the limit looked at between comparisons: those of long strings and of
 * numbers run no Lua code. The algorithm and its errors are those of Lua 5.4's ltablib.c
 * (Copyright 1994-2022 Lua.org, PUC-Rio; MIT licence). */
#include "vm/bounded_sort.h"

#include <lauxlib.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>

#include "vm/watchdog.h"

typedef unsigned Item; /* its index in the table, from 1 */

enum { STRIDE = 1024, BYTES_A_STEP = 64, RANDOM_FROM = 100 };

/* Stack: the table, the comparing function or nil, then what is being compared. */
typedef struct Sort {
  lua_State *L;
  size_t steps;
  bool bytes; /* strings are in the order of their bytes */
} Sort;

static void count_steps(Sort *s, size_t steps) {
  s->steps += steps;
  if (s->steps < STRIDE) return;
  s->steps = 0;
  watchdog_poll(s->L);
}

/* What lua_compare says in the locale "C", in one pass. */
static bool string_less(Sort *s, int a, int b) {
  size_t la, lb;
  const char *x = lua_tolstring(s->L, a, &la), *y = lua_tolstring(s->L, b, &lb);
  size_t len = la < lb ? la : lb;
  count_steps(s, len / BYTES_A_STEP);
  if (!s->bytes) return lua_compare(s->L, a, b, LUA_OPLT);
  int order = memcmp(x, y, len);
  return order < 0 || (order == 0 && la < lb);
}

static bool is_less(Sort *s, int a, int b) {
  lua_State *L = s->L;
  count_steps(s, 1);
  if (lua_isnil(L, 2)) {
    bool strings = lua_type(L, a) == LUA_TSTRING && lua_type(L, b) == LUA_TSTRING;
    return strings ? string_less(s, a, b) : lua_compare(L, a, b, LUA_OPLT);
  }
  lua_pushvalue(L, 2);
  lua_pushvalue(L, a - 1);
  lua_pushvalue(L, b - 2);
  lua_call(L, 2, 1);
  bool less = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return less;
}

static void set_both(Sort *s, Item i, Item j) {
  lua_seti(s->L, 1, i);
  lua_seti(s->L, 1, j);
}

/* Puts t[i] and t[j] in order, if t[j] < t[i]. */
static void put_in_order(Sort *s, Item i, Item j) {
  lua_geti(s->L, 1, i);
  lua_geti(s->L, 1, j);
  if (is_less(s, -1, -2)) set_both(s, i, j);
  else lua_pop(s->L, 2);
}

/* The pivot lies on top and in t[up - 1]. Returns where it belongs. */
static Item partition_range(Sort *s, Item low, Item up) {
  lua_State *L = s->L;
  Item i = low, j = up - 1;
  for (;;) {
    while (lua_geti(L, 1, ++i), is_less(s, -1, -2)) {
      if (i == up - 1) luaL_error(L, "invalid order function for sorting");
      lua_pop(L, 1);
    }
    while (lua_geti(L, 1, --j), is_less(s, -3, -1)) {
      if (j < i) luaL_error(L, "invalid order function for sorting");
      lua_pop(L, 1);
    }
    if (j < i) break;
    set_both(s, i, j);
  }
  lua_pop(L, 1);
  set_both(s, up - 1, i); /* swaps the pivot with t[i] */
  return i;
}

static Item pivot_of(Item low, Item up, unsigned random) {
  if (up - low <= RANDOM_FROM) return low + (up - low) / 2;
  Item quarter = (up - low) / 4;
  return random % (quarter * 2) + low + quarter;
}

/* Sorts three items, takes the middle one as pivot and partitions the range; 0: it is
 * sorted. */
static Item take_pivot(Sort *s, Item low, Item up, unsigned random) {
  lua_State *L = s->L;
  put_in_order(s, low, up);
  if (up - low == 1) return 0;
  Item p = pivot_of(low, up, random);
  put_in_order(s, low, p);
  put_in_order(s, p, up);
  if (up - low == 2) return 0;
  lua_geti(L, 1, p);
  lua_pushvalue(L, -1);
  lua_geti(L, 1, up - 1);
  set_both(s, p, up - 1);
  return partition_range(s, low, up);
}

/* Recurses into the smaller part. */
static void sort_range(Sort *s, Item low, Item up, unsigned random) {
  while (low < up) {
    Item n, p = take_pivot(s, low, up, random);
    if (p == 0) return;
    if (p - low < up - p) {
      sort_range(s, low, p - 1, random);
      n = p - low;
      low = p + 1;
    } else {
      sort_range(s, p + 1, up, random);
      n = up - p;
      up = p - 1;
    }
    if ((up - low) / 128 > n) random = random * 1103515245u + 12345u; /* a bad pivot */
  }
}

void bounded_sort(lua_State *L, lua_Integer n) {
  luaL_checkstack(L, 40, "");
  Sort s = {.L = L, .bytes = strcmp(setlocale(LC_COLLATE, NULL), "C") == 0};
  sort_range(&s, 1, (Item)n, (unsigned)n);
}
