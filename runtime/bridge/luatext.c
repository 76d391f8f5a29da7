/* Zero bytes in texts: see luatext.h. */
#include "bridge/luatext.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

bool luatext_whole(lua_State *L, int index) {
  size_t len;
  if (lua_type(L, index) != LUA_TSTRING) return true;
  const char *text = lua_tolstring(L, index, &len);
  return !memchr(text, '\0', len);
}

void luatext_need_whole(lua_State *L, int level, int index, const char *what,
                        const char *key) {
  if (luatext_whole(L, index)) return;
  luaL_where(L, level);
  lua_pushfstring(L, "%s: %s holds a zero byte", what, key);
  lua_concat(L, 2);
  lua_error(L);
}

bool luatext_is(lua_State *L, int index, const char *word) {
  size_t len;
  if (lua_type(L, index) != LUA_TSTRING) return false;
  const char *text = lua_tolstring(L, index, &len);
  return strlen(word) == len && memcmp(text, word, len) == 0;
}

int luatext_among(lua_State *L, int index, const char *const *words) {
  int i = 0;
  while (words[i] && !luatext_is(L, index, words[i])) i++;
  return i;
}

/* Not within a character of UTF-8. */
static size_t cut_at(const char *text, size_t at) {
  size_t start = at;
  while (start > 0 && at - start < 3 && (text[start] & 0xC0) == 0x80) start--;
  return start;
}

static void copy_shown(const char *text, size_t len, char out[LUATEXT_SHOWN]) {
  static const char zero[] = "\\x00", more[] = "...";
  size_t used = 0, i = 0;
  for (; i < len && used + sizeof zero + sizeof more < LUATEXT_SHOWN; i++) {
    const char *part = text[i] ? text + i : zero;
    size_t size = text[i] ? 1 : sizeof zero - 1;
    memcpy(out + used, part, size);
    used += size;
  }
  if (i < len) used -= i - cut_at(text, i);
  strcpy(out + used, i < len ? more : "");
}

const char *luatext_cut(const char *text, char out[LUATEXT_SHOWN]) {
  copy_shown(text, strlen(text), out);
  return out;
}

const char *luatext_show(lua_State *L, int index, char out[LUATEXT_SHOWN]) {
  int type = lua_type(L, index);
  size_t len;
  if (type == LUA_TSTRING) {
    const char *text = lua_tolstring(L, index, &len);
    copy_shown(text, len, out);
  } else if (lua_isinteger(L, index)) {
    snprintf(out, LUATEXT_SHOWN, "%lld", (long long)lua_tointeger(L, index));
  } else if (type == LUA_TNUMBER) {
    snprintf(out, LUATEXT_SHOWN, "%.14g", lua_tonumber(L, index));
  } else {
    strcpy(out, "?");
  }
  return out;
}
