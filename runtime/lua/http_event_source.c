/* See http_event_source.h. */
#include "lua/http_event_source.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/box.h"
#include "bridge/luaerror.h"
#include "lua/http_stream.h"
#include "resource/declare.h"
#include "resource/event_source.h"
#include "resource/resource.h"

static const BoxKind source_box = {"events", NULL};

static Declaration *check_source(lua_State *L) {
  return box_check(L, 1, &source_box);
}

static int add_handler(lua_State *L, HandlerList *list) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  handler_add(L, list, 2, (HandlerOptions){0});
  return 1;
}

/* on(fn(event)) → handle */
static int f_on(lua_State *L) {
  return add_handler(L, &check_source(L)->handlers);
}

/* on_state(fn(state, info)) → handle */
static int f_on_state(lua_State *L) {
  return add_handler(L, &check_source(L)->states);
}

/* off(fn | nil): of all events' handlers, or this one */
static int f_off(lua_State *L) {
  Declaration *decl = check_source(L);
  int index = lua_isnoneornil(L, 2) ? 0 : 2;
  if (index) luaL_checktype(L, index, LUA_TFUNCTION);
  lua_pushinteger(L, handler_remove(L, &decl->handlers, NULL, 0, index));
  return 1;
}

static int f_close(lua_State *L) {
  Declaration *decl = box_to(L, 1, &source_box)->object;
  need_loaded(L, "events:close");
  if (decl && decl->res) resource_close(decl->res);
  return 0;
}

static int f_state(lua_State *L) {
  lua_pushstring(L, event_source_state(check_source(L)));
  return 1;
}

static int push_id(lua_State *L, const char *id, size_t len) {
  if (id && len) lua_pushlstring(L, id, len);
  else lua_pushnil(L);
  return 1;
}

static int f_last_id(lua_State *L) {
  size_t len;
  const char *id = event_source_id(check_source(L), &len);
  return push_id(L, id, len);
}

void event_source_class(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"on", f_on},       {"on_state", f_on_state}, {"off", f_off}, {"close", f_close},
      {"state", f_state}, {"last_id", f_last_id},   {NULL, NULL}};
  box_class(L, &source_box, methods, NULL);
}

/* --- declaring -------------------------------------------------------------------- */

static const char *text_field(lua_State *L, const char *name) {
  lua_getfield(L, 2, name);
  const char *text = luaL_checkstring(L, -1);
  lua_pop(L, 1);
  return text;
}

/* Returns new; all that may raise comes first. */
static EventSourceOptions *read_options(lua_State *L) {
  const char *url = text_field(L, "url"), *fingerprint = text_field(L, "fingerprint"),
             *last_id = text_field(L, "last_id");
  lua_getfield(L, 2, "max_event");
  size_t max_event = (size_t)luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  EventSourceOptions *options = xmalloc(sizeof *options);
  *options = (EventSourceOptions){.url = xstrdup(url),
                                  .fingerprint = xstrdup(fingerprint),
                                  .last_id = xstrdup(last_id),
                                  .max_event = max_event,
                                  .passive = lua_isnoneornil(L, 3)};
  return options;
}

int event_source_declare(lua_State *L) {
  const char *name = declared_name(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  need_declaring(L, "http.events");
  Error err = {0};
  Box *box = box_new(L, &source_box);
  int connector = LUA_NOREF;
  if (!lua_isnoneornil(L, 3)) {
    lua_pushvalue(L, 3);
    connector = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  EventSourceOptions *options = read_options(L);
  Declaration *decl =
      declare_with(L, &event_source_kind, name, options, &connector, 1, &err);
  if (!decl) return luaerror_return(L, &err);
  box_refer(box, decl, &decl->boxes);
  return 1;
}

int event_source_take(lua_State *L) {
  Declaration *decl = box_to(L, 1, &source_box)->object;
  uint64_t ask = (uint64_t)luaL_checkinteger(L, 2);
  bool gap = lua_toboolean(L, 4), taken = false;
  size_t len = 0;
  bool whole = lua_type(L, 3) == LUA_TSTRING;
  const char *text = whole ? lua_tolstring(L, 3, &len) : NULL;
  HttpRequest *http = whole ? NULL : http_stream_take(L, 3);
  if (!decl && http) http_cancel(http);
  if (decl && (whole || http))
    taken = event_source_adopt(decl, ask, http, text, len, gap);
  lua_pushboolean(L, taken);
  return 1;
}

int event_source_keep(lua_State *L) {
  const Declaration *decl = box_to(L, 1, &source_box)->object;
  size_t len;
  const char *id = luaL_checklstring(L, 2, &len);
  if (decl) event_source_note(decl, id, len);
  return 0;
}

int event_source_on_last(lua_State *L) {
  return add_handler(L, &check_source(L)->outgoing);
}

int event_source_last_id(lua_State *L) {
  size_t len = 0;
  const char *id = event_source_find_id(vm_of(L), luaL_checkstring(L, 1), &len);
  return push_id(L, id, len);
}
