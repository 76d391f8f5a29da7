/* Numbers as people write them: see number.h. */
#include "lua/number.h"

#include <math.h>
#include <stdio.h>

#include "core/json.h"

static void push_shortest(lua_State *L, double value) {
  Buffer out = {0};
  char text[64];
  json_put_number(&out, value);
  snprintf(text, sizeof text, "%s", buffer_text(&out));
  buffer_free(&out);
  lua_pushstring(L, text);
}

bool number_push_text(lua_State *L, int index) {
  double value = lua_tonumber(L, index);
  char text[32];
  if (!isfinite(value)) return false;
  if (lua_isinteger(L, index)) {
    lua_pushfstring(L, "%I", lua_tointeger(L, index));
  } else if (value == floor(value) && fabs(value) < 1e21) {
    snprintf(text, sizeof text, "%.0f", value + 0.0);
    lua_pushstring(L, text);
  } else {
    push_shortest(L, value);
  }
  return true;
}
