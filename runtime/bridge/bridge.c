/* See bridge.h. */
#include "bridge/bridge.h"

static bool is_never_late(void) {
  return false;
}

static void poll_nothing(lua_State *L) {
  (void)L;
}

void bridge_open(Bridge *bridge, lua_State *L) {
  bridge->is_late = is_never_late;
  bridge->poll = poll_nothing;
  bridge->boxes = NULL;
  *(Bridge **)lua_getextraspace(L) = bridge;
}
