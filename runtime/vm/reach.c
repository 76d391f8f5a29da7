/* See reach.h. */
#include "vm/reach.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "core/base.h"

typedef struct Beyond {
  const char *library; /* a global table, or "" for globals */
  const char *names;   /* parted by spaces */
  const char *why;
} Beyond;

static const char files[] =
    "files are out of a script's reach: it may come from anyone, and the files are yours "
    "(tidelock.fs reaches the folders that --allow names; keep data in a store, "
    "tidelock.store, or in script.keep)";
static const char sources[] =
    "files are out of a script's reach: a load sees the sources of its own folder and of "
    "lib/ alone (require \"name\", or load with a text)";
static const char input[] =
    "standard input is out of io's reach: reading it would hold everything else up "
    "(tidelock.input hands its lines to a handler)";
static const char programs[] =
    "other programs are out of a script's reach: it may come from anyone, and they could "
    "do all that you can";
static const char process[] =
    "the process is out of a script's reach: others run in it (script.exit ends it in "
    "order)";
static const char locale[] =
    "the locale is out of a script's reach: numbers and texts are written the same way "
    "everywhere";
static const char bowels[] =
    "the debug library is out of a script's reach: it could undo every limit "
    "(debug.traceback is there)";
static const char bytecode[] =
    "bytecode is out of a script's reach: Lua does not check it, and made by hand it can "
    "crash the process";
static const char warnings[] =
    "warnings are out of a script's reach: what it has to say goes to the log "
    "(tidelock.log)";
static const char packages[] =
    "package is out of a script's reach: require finds modules of Tidelock's, of the "
    "script's folder and of lib/ beside it; those written in C could do all that you can";

static const Beyond beyond[] = {
    {"io", "open lines tmpfile output close type", files},
    {"io", "read input", input},
    {"io", "popen", programs},
    {"os", "remove rename tmpname", files},
    {"os", "execute", programs},
    {"os", "exit", process},
    {"os", "setlocale", locale},
    {"debug",
     "debug gethook getinfo getlocal getmetatable getregistry getupvalue getuservalue "
     "sethook setlocal setmetatable setupvalue setuservalue upvalueid upvaluejoin "
     "setcstacklimit",
     bowels},
    {"string", "dump", bytecode},
    {"", "dofile loadfile", sources},
    {"", "warn", warnings},
};

static int f_beyond(lua_State *L) {
  return luaL_error(L, "%s", lua_tostring(L, lua_upvalueindex(1)));
}

/* Sets the names in the table on top. */
static void put_names(lua_State *L, const Beyond *b) {
  for (const char *at = b->names; *at;) {
    size_t len = strcspn(at, " ");
    lua_pushlstring(L, at, len);
    lua_pushstring(L, b->why);
    lua_pushcclosure(L, f_beyond, 1);
    lua_rawset(L, -3);
    at += len + (at[len] == ' ');
  }
}

/* A table of which nothing can be read or written. */
static void push_package(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 3);
  static const char *const events[] = {"__index", "__newindex"};
  for (size_t i = 0; i < COUNT_OF(events); i++) {
    lua_pushstring(L, packages);
    lua_pushcclosure(L, f_beyond, 1);
    lua_setfield(L, -2, events[i]);
  }
  lua_pushliteral(L, "package");
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
}

static bool is_listed(const char *names, const char *name) {
  size_t len = strlen(name);
  for (const char *at = names; (at = strstr(at, name)); at++)
    if ((at == names || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
      return len > 0;
  return false;
}

const char *reach_why(const char *library, const char *name) {
  if (strcmp(library, "package") == 0 || (!*library && strcmp(name, "package") == 0))
    return packages;
  for (size_t i = 0; i < COUNT_OF(beyond); i++)
    if (strcmp(beyond[i].library, library) == 0 && is_listed(beyond[i].names, name))
      return beyond[i].why;
  return NULL;
}

void reach_open(lua_State *L) {
  for (size_t i = 0; i < COUNT_OF(beyond); i++) {
    if (*beyond[i].library) lua_getglobal(L, beyond[i].library);
    else lua_pushglobaltable(L);
    put_names(L, &beyond[i]);
    lua_pop(L, 1);
  }
  push_package(L);
  lua_setglobal(L, "package");
}
