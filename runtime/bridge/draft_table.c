/* table.insert, remove, move and sort for drafts: the place of one item changes, where
 * the plain functions would write all items behind it anew. */
#include "bridge/draft_table.h"

#include <lauxlib.h>

#include "bridge/draft.h"
#include "bridge/draft_handle.h"
#include "bridge/luavalue.h"
#include "bridge/view.h"

static DraftNode *check_array(lua_State *L, DraftNode *node, const char *what) {
  if (!draft_array(L, node))
    luaL_error(L, "bad argument #1 to '%s' (an array expected, got an object)", what);
  return node;
}

int draft_insert(lua_State *L) {
  DraftNode *node;
  if (!draft_is(L, 1, &node)) return -1;
  check_array(L, node, "insert");
  size_t count = value_count(node->value), place = count;
  int n = lua_gettop(L);
  if (n != 2 && n != 3) return luaL_error(L, "wrong number of arguments to 'insert'");
  if (n == 3) {
    place = (size_t)luaL_checkinteger(L, 2) - 1;
    luaL_argcheck(L, place <= count, 2, "position out of bounds");
  }
  luaL_argcheck(L, !lua_isnil(L, n), n, "nil is no item; json.null can be one");
  int code = draft_insert_at(L, n, node, place);
  return code ? draft_raise(L, code) : 0;
}

int draft_remove(lua_State *L) {
  DraftNode *node;
  if (!draft_is(L, 1, &node)) return -1;
  check_array(L, node, "remove");
  size_t count = value_count(node->value);
  lua_Integer at = luaL_optinteger(L, 2, (lua_Integer)count);
  if ((size_t)at != count)
    luaL_argcheck(L, (size_t)at - 1 <= count, 2, "position out of bounds");
  size_t place = (size_t)at - 1;
  if (place >= count) {
    lua_pushnil(L);
    return 1;
  }
  draft_push_item(L, 1, node, place, (Value){0}, value_array_at(node->value, place));
  int code = draftnode_remove(node, place);
  return code ? draft_raise(L, code) : 1;
}

/* All items are read before the first is written; from the left, so that none leaves a
 * hole. */
int draft_move(lua_State *L) {
  DraftNode *node;
  int target = lua_isnoneornil(L, 5) ? 1 : 5;
  if (!draft_is(L, target, &node)) return -1;
  check_array(L, node, "move");
  lua_Integer from = luaL_checkinteger(L, 2), end = luaL_checkinteger(L, 3);
  lua_Integer to = luaL_checkinteger(L, 4);
  luaL_argcheck(L, end < from || from > 0, 2, "position out of bounds");
  luaL_argcheck(L, end < from || (to > 0 && to <= LUA_MAXINTEGER - (end - from)), 4,
                "position out of bounds");
  lua_newtable(L);
  int held = lua_gettop(L);
  for (lua_Integer i = from; i <= end; i++) {
    if (lua_geti(L, 1, i) == LUA_TNIL)
      return luaL_error(L, "there is no item %I to move", (LUAI_UACINT)i);
    lua_rawseti(L, held, i - from + 1);
  }
  for (lua_Integer i = 0; i <= end - from; i++) {
    lua_rawgeti(L, held, i + 1);
    lua_seti(L, target, to + i);
  }
  lua_pushvalue(L, target);
  return 1;
}

/* --- sort: Lua's own sorts a plain table, of views for containers ----------------- */

static void push_items(lua_State *L, Value array) {
  size_t count = value_count(array);
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t i = 0; i < count; i++) {
    Value item = value_array_at(array, i);
    if (value_is_container(item)) view_push_numbered(L, item, i);
    else view_push(L, item);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* Reads the sorted table at `index` back; the caller owns the items. */
static int read_sorted(lua_State *L, int index, const DraftNode *node, Value *items,
                       size_t *order) {
  size_t count = value_count(node->value);
  Error err;
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    int code = luavalue_read(L, -1, node->change->account, &items[i], &err);
    if (value_is_container(items[i])) order[view_number(L, -1)] = i;
    lua_pop(L, 1);
    if (!code) continue;
    while (i > 0) value_release(items[--i]);
    return code;
  }
  return 0;
}

static bool is_in_order(const DraftNode *node, const Value *items) {
  for (size_t i = 0; i < value_count(node->value); i++)
    if (!value_same(items[i], value_array_at(node->value, i))) return false;
  return true;
}

static int take_order(lua_State *L, int index, DraftNode *node) {
  size_t count = value_count(node->value);
  Value *items = lua_newuserdatauv(L, count * sizeof *items, 0);
  size_t *order = lua_newuserdatauv(L, count * sizeof *order, 0);
  int code = read_sorted(L, index, node, items, order);
  if (code) return code;
  if (is_in_order(node, items)) {
    for (size_t i = 0; i < count; i++) value_release(items[i]);
    return 0;
  }
  Value array = value_array(node->change->account, items, count);
  if (array.type == VALUE_ABSENT) return ERR_MEMORY;
  draftnode_reorder(node, order, array);
  return 0;
}

int draft_sort(lua_State *L, int sort) {
  DraftNode *node;
  if (!draft_is(L, 1, &node)) return -1;
  check_array(L, node, "sort");
  int code = draftnode_flush(node);
  if (code) return draft_raise(L, code);
  lua_settop(L, 2);
  view_push(L, node->value); /* keeps the array that is sorted: a change makes another */
  push_items(L, node->value);
  lua_pushvalue(L, sort);
  lua_pushvalue(L, 4);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 0);
  draft_is(L, 1, &node);
  if (!value_same(node->value, view_value(L, 3)))
    return luaL_error(L, "the array was changed while it was being sorted");
  code = take_order(L, 4, node);
  return code ? draft_raise(L, code) : 0;
}
