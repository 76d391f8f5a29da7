/* See luaevent.h. */
#include "bridge/luaevent.h"

static void set_text(lua_State *L, const char *name, const char *text, size_t len) {
  lua_pushlstring(L, text, len);
  lua_setfield(L, -2, name);
}

void luaevent_push(lua_State *L, const StreamEvent *event, bool gap) {
  lua_createtable(L, 0, gap ? 4 : 3);
  set_text(L, "type", event->type, event->type_len);
  set_text(L, "data", event->data, event->data_len);
  if (event->id_len) set_text(L, "id", event->id, event->id_len);
  if (!gap) return;
  lua_pushboolean(L, true);
  lua_setfield(L, -2, "gap");
}
