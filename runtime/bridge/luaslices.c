/* See luaslices.h. Arrays and objects that end within the next WINDOW bytes are read at
 * once, by luadecode.c, which recurses and so cannot stop in the middle. Those that do
 * not are opened here, one `Level` each, and their items are read one by one. Which is
 * which is found by a look at the brackets of the window, once for each part of the text.
 */
#include "bridge/luaslices.h"

#include <lauxlib.h>
#include <string.h>

#include "bridge/luareader.h"
#include "bridge/luajson.h"

enum { WINDOW = 64 << 10 };

/* A container that is open: its table lies on the stack, above it, in an object, the key
 * of the member that is read. */
typedef struct Level {
  bool object, empty;
  lua_Integer count;
} Level;

typedef struct Slices {
  Reader reader;
  LuaSlicesOver over;
  bool begun, single, in_list; /* in_list: the items of the outermost array are read */
  int skip;
  const char *at;   /* where the next value starts */
  const char *seen; /* the end of the window */
  int depth, open, next;
  Level levels[JSON_MAX_DEPTH];
  const char *opens[JSON_MAX_DEPTH]; /* what begins in the window and ends behind it */
  size_t len;
  char *text; /* behind the attachments' list */
  _Alignas(SioBytes) char place[];
} Slices;

static const char slices_key; /* its address is the metatable's key in the registry */

/* --- the value -------------------------------------------------------------------- */

static void end_reading(Slices *s, const Error *err) {
  LuaSlicesOver over = s->over;
  s->over.call = NULL;
  if (over.call) over.call(&over, err);
}

static int f_close(lua_State *L) {
  Slices *s = lua_touserdata(L, 1);
  if (s->begun) end_reading(s, NULL);
  return 0;
}

static void set_class(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &slices_key) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, f_close);
    lua_setfield(L, -2, "__close");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &slices_key);
  }
  lua_setmetatable(L, -2);
}

bool luaslices_is(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_checkstack(L, 2) ||
      !lua_getmetatable(L, index))
    return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &slices_key);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

static size_t room_for(const LuaJsonList *list) {
  size_t room = (size_t)list->count * sizeof(SioBytes) + list->len;
  for (int i = 0; i < list->count; i++) room += list->parts[i].len;
  return room;
}

static char *copy_bytes(char **at, const char *bytes, size_t len) {
  char *to = *at;
  if (len) memcpy(to, bytes, len);
  *at += len;
  return to;
}

static void copy_list(Slices *s, const LuaJsonList *list) {
  SioBytes *parts = (SioBytes *)s->place;
  char *at = s->place + (size_t)list->count * sizeof *parts;
  for (int i = 0; i < list->count; i++) {
    size_t len = list->parts[i].len;
    parts[i] = (SioBytes){copy_bytes(&at, list->parts[i].data, len), len};
  }
  s->reader.parts = parts;
  s->reader.count = list->count;
  s->reader.marks = list->marks;
  s->text = copy_bytes(&at, list->text, list->len);
  s->len = list->len;
  s->skip = list->skip;
}

void luaslices_push(lua_State *L, const LuaJsonList *list, bool single) {
  luaL_checkstack(L, 4, NULL);
  Slices *s = lua_newuserdatauv(L, sizeof *s + room_for(list), 0);
  memset(s, 0, sizeof *s);
  s->single = single;
  copy_list(s, list);
  set_class(L);
}

void luaslices_tell(lua_State *L, int index, LuaSlicesOver over) {
  ((Slices *)lua_touserdata(L, index))->over = over;
}

/* --- the window ------------------------------------------------------------------- */

static const char *skip_quoted(const char *p, const char *end) {
  for (p++; p < end && *p != '"'; p++)
    if (*p == '\\') p++;
  return p < end ? p : end - 1;
}

static void look_ahead(Slices *s, const char *p) {
  const char *end = s->reader.scan.end;
  if (end - p > WINDOW) end = p + WINDOW;
  int n = 0;
  for (const char *q = p; q < end; q++) {
    if (*q == '"') q = skip_quoted(q, end);
    else if (*q == '[' || *q == '{') {
      if (n < JSON_MAX_DEPTH) s->opens[n] = q;
      n++;
    } else if ((*q == ']' || *q == '}') && n > 0) {
      n--;
    }
  }
  s->seen = end;
  s->open = n < JSON_MAX_DEPTH ? n : JSON_MAX_DEPTH;
  s->next = 0;
}

/* Whether a container starts at p that does not end in the window. */
static bool is_large(Slices *s, const char *p) {
  while (s->next < s->open && s->opens[s->next] < p) s->next++;
  return s->next < s->open && s->opens[s->next] == p;
}

/* --- values ----------------------------------------------------------------------- */

static Level *innermost(Slices *s) {
  return s->depth ? &s->levels[s->depth - 1] : NULL;
}

static const char *read_key(Slices *s, const char *p) {
  JsonSlice name;
  Reader *r = &s->reader;
  if (!(p = json_scan_name(&r->scan, p, &name))) return NULL;
  reader_push_name(r, &name);
  return p;
}

/* Pushes the table of a container; returns where its first value starts. */
static const char *open_level(Slices *s, const char *p, bool *more) {
  lua_State *L = s->reader.L;
  bool object = *p == '{';
  luaL_checkstack(L, 8, "JSON nested too deeply");
  if (!(p = json_open(&s->reader.scan, p, object ? '}' : ']', more))) return NULL;
  s->levels[s->depth++] = (Level){.object = object, .empty = true};
  lua_newtable(L);
  return *more && object ? read_key(s, p) : p;
}

/* Behind the last item: its table is a value now. */
static const char *close_level(Slices *s, const char *p) {
  lua_State *L = s->reader.L;
  Level *level = innermost(s);
  if (!level->object) luajson_set_mark(L, -1, JSON_ARRAY);
  else if (level->empty) luajson_set_mark(L, -1, JSON_OBJECT);
  s->depth--;
  if (!(p = json_close(&s->reader.scan, p, level->object ? '}' : ']'))) return NULL;
  bool fills = level->object && s->reader.count;
  return fills && !reader_fill(&s->reader, p) ? NULL : p;
}

/* The value on top goes where it belongs. */
static void store_value(Slices *s) {
  lua_State *L = s->reader.L;
  Level *level = innermost(s);
  if (level && level->object) {
    lua_rawset(L, -3);
  } else if (level) {
    lua_rawseti(L, -2, ++level->count);
  } else if (s->skip) {
    s->skip--;
    lua_pop(L, 1);
  }
}

static const char *read_value(Slices *s, const char *p) {
  Level *level = innermost(s);
  if (!level) luaL_checkstack(s->reader.L, 8, "too many values");
  if (level && level->object) return reader_push_member(&s->reader, p, &level->empty);
  return reader_push_value(&s->reader, p);
}

/* Behind a value: closes what ends here. Returns where the next value starts; NULL: it
 * failed, or (*done) there is none. */
static const char *go_on(Slices *s, const char *p, bool *done) {
  bool more;
  for (;;) {
    store_value(s);
    Level *level = innermost(s);
    if (!level && !s->in_list) break;
    p = json_more(&s->reader.scan, p, &more);
    if (more) return level && level->object ? read_key(s, p) : p;
    if (!level) p = json_close(&s->reader.scan, p, ']');
    if (!level) break;
    if (!(p = close_level(s, p))) return NULL;
  }
  *done = p && json_scan_end(&s->reader.scan, p);
  return NULL;
}

static const char *start_list(Slices *s, const char *p, bool *done) {
  bool more;
  if (s->single) return p;
  if (p == s->reader.scan.end || *p != '[')
    return json_fail(&s->reader.scan, p, "not a `[`");
  if (!(p = json_open(&s->reader.scan, p, ']', &more))) return NULL;
  s->in_list = true;
  if (more) return p;
  p = json_close(&s->reader.scan, p, ']');
  *done = p && json_scan_end(&s->reader.scan, p);
  return NULL;
}

/* One value, or the opening of one that is large. */
static const char *take_one(Slices *s, const char *p, bool *done) {
  bool more = true, large = p < s->seen && (*p == '[' || *p == '{') && is_large(s, p);
  Level *outer = innermost(s);
  if (large && outer) outer->empty = false;
  if (!(p = large ? open_level(s, p, &more) : read_value(s, p))) return NULL;
  if (large && more) return p;
  if (large && !(p = close_level(s, p))) return NULL;
  return go_on(s, p, done);
}

/* --- from outside ----------------------------------------------------------------- */

void luaslices_begin(lua_State *L, int index) {
  Slices *s = lua_touserdata(L, index);
  lua_toclose(L, index);
  s->begun = true;
}

static void start_reading(Slices *s, lua_State *L, bool *done) {
  const SioBytes *parts = s->reader.parts;
  int count = s->reader.count;
  bool marks = s->reader.marks;
  const char *p = reader_start(&s->reader, L, s->text, s->len);
  s->reader.parts = parts;
  s->reader.count = count;
  s->reader.marks = marks;
  s->seen = s->text;
  s->at = start_list(s, p, done);
}

static int fail_reading(Slices *s, int index, Error *err) {
  reader_error(&s->reader, s->text, s->len, err);
  lua_settop(s->reader.L, index);
  end_reading(s, err);
  return -1;
}

int luaslices_step(lua_State *L, int index, Error *err) {
  Slices *s = lua_touserdata(L, index);
  bool done = false;
  if (!s->seen) start_reading(s, L, &done);
  if (s->at) look_ahead(s, s->at);
  const char *end = s->reader.scan.end; /* where a text that is cut off fails */
  while (s->at && (s->at < s->seen || s->at == end) && !done)
    s->at = take_one(s, s->at, &done);
  if (done) {
    lua_remove(L, s->reader.strings);
    end_reading(s, NULL);
    return 1;
  }
  return s->at ? 0 : fail_reading(s, index, err);
}
