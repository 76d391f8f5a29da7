/* See lint.h. The texts that the load used, and those that they require by name, are
 * compiled in a state of their own, and the instructions looked at: in these, globals
 * differ from locals. A global is known that is there after staging, or that
 * some text assigns. */
#include "script/lint.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script/parts.h"
#include "core/suggest.h"
#include "vm/chunk.h"
#include "vm/reach.h"
#include "vm/stdlib.h"

enum { MOST_LOGGED = 200 };
/* Instructions of Lua 5.4 (lopcodes.h). */
enum {
  OP_LOADK = 3,
  OP_GETUPVAL = 9,
  OP_GETTABUP = 11,
  OP_GETTABLE = 12,
  OP_GETFIELD = 14,
  OP_SETTABUP = 15,
  OP_SETTABLE = 16,
  OP_CALL = 68,
  OP_TAILCALL = 69
};

typedef struct Names {
  char **list; /* owned */
  size_t count;
} Names;

/* A global that is read. */
typedef struct Read {
  const SourceFile *file;
  int line;
  char *name, *field; /* owned; field NULL: none is read of it, as far as is seen */
} Read;

typedef struct Finding {
  const SourceFile *file;
  int line;
  char *text; /* owned */
} Finding;

typedef struct Lint {
  bool failed; /* the load */
  Generation *gen;
  lua_State *L; /* to compile in */
  Names known;  /* "print", "string.format" */
  Read *reads;
  size_t read_count;
  Finding *findings;
  size_t finding_count;
  const SourceFile **files; /* to look at, or looked at */
  size_t file_count;
  const SourceFile *file; /* that is looked at */
  bool any;               /* globals come from somewhere else: none is unknown */
} Lint;

/* --- names ------------------------------------------------------------------------ */

static bool has_name(const Names *names, const char *name) {
  for (size_t i = 0; i < names->count; i++)
    if (strcmp(names->list[i], name) == 0) return true;
  return false;
}

/* Takes name. */
static void add_name(Names *names, char *name) {
  if (has_name(names, name)) {
    free(name);
    return;
  }
  names->list = xrealloc(names->list, (names->count + 1) * sizeof *names->list);
  names->list[names->count++] = name;
}

static bool is_library(const char *name) {
  static const char *const libraries[] = {"coroutine", "debug", "io",   "math",
                                          "os",        "table", "utf8", "string"};
  for (size_t i = 0; i < COUNT_OF(libraries); i++)
    if (strcmp(libraries[i], name) == 0) return true;
  return false;
}

/* The keys of the table on top that are strings; those of a library behind its name. */
static void collect_keys(Lint *lint, const char *library) {
  lua_State *L = lint->gen->vm.L;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    const char *key = lua_tostring(L, -2);
    add_name(&lint->known, library ? xasprintf("%s.%s", library, key) : xstrdup(key));
    if (!library && lua_istable(L, -1) && is_library(key)) collect_keys(lint, key);
  }
}

static void collect_globals(Lint *lint) {
  lua_State *L = lint->gen->vm.L;
  if (!lua_checkstack(L, 8)) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  if (lua_getmetatable(L, -1)) {
    lint->any = true;
    lua_pop(L, 1);
  }
  collect_keys(lint, NULL);
  lua_pop(L, 1);
}

/* --- what is found ---------------------------------------------------------------- */

/* Takes text. */
static void add_finding(Lint *lint, const SourceFile *file, int line, char *text) {
  lint->findings =
      xrealloc(lint->findings, (lint->finding_count + 1) * sizeof *lint->findings);
  lint->findings[lint->finding_count++] = (Finding){file, line, text};
}

static void note_read(Lint *lint, int line, const char *name, const char *field) {
  lint->reads = xrealloc(lint->reads, (lint->read_count + 1) * sizeof *lint->reads);
  lint->reads[lint->read_count++] =
      (Read){lint->file, line, xstrdup(name), field ? xstrdup(field) : NULL};
}

static void note_write(Lint *lint, int line, const char *name) {
  bool known = has_name(&lint->known, name);
  add_name(&lint->known, xstrdup(name));
  if (!known && !lint->any)
    add_finding(lint, lint->file, line,
                xasprintf("sets the global \"%s\": is \"local\" missing?", name));
}

/* --- modules that are required ---------------------------------------------------- */

static bool is_ours(const Lint *lint, const char *module) {
  const LuaModule *m = lint->gen->rt->host.modules;
  for (; m && m->name; m++)
    if (strcmp(m->name, module) == 0) return true;
  for (const StdlibFile *f = stdlib_files; f->module; f++)
    if (strcmp(f->module, module) == 0 && !stdlib_is_template(f)) return true;
  return is_library(module) || strcmp(module, "_G") == 0;
}

static void add_file(Lint *lint, const SourceFile *file) {
  for (size_t i = 0; i < lint->file_count; i++)
    if (lint->files[i] == file) return;
  lint->files = xrealloc(lint->files, (lint->file_count + 1) * sizeof *lint->files);
  lint->files[lint->file_count++] = file;
}

/* Its call is seen (`certain`), or it is handed to pcall, say. */
static void note_module(Lint *lint, int line, const char *module, bool certain) {
  if (is_ours(lint, module)) return;
  const Sources *sources = lint->gen->sources;
  const SourceFile *file = sources_find(sources, module);
  if (file) {
    add_file(lint, file);
    return;
  }
  if (!certain) return;
  Suggestion s;
  suggest_begin(&s, module);
  for (size_t i = 0; i < sources->count; i++) suggest_offer(&s, sources->files[i].module);
  const char *why = sources_is_self(sources, module)
                        ? "that is the script itself, which cannot be required"
                        : "there is no such module";
  add_finding(lint, lint->file, line,
              xasprintf("requires \"%s\" later, and %s%s", module, why,
                        sources_is_self(sources, module) ? "" : suggest_text(&s)));
}

/* --- instructions ----------------------------------------------------------------- */

static unsigned op_of(uint32_t i) {
  return i & 0x7f;
}
static unsigned a_of(uint32_t i) {
  return i >> 7 & 0xff;
}
static unsigned b_of(uint32_t i) {
  return i >> 16 & 0xff;
}
static unsigned c_of(uint32_t i) {
  return i >> 24;
}

static const char *constant_at(const ChunkFunction *f, size_t index) {
  return index < f->string_count ? f->strings[index] : NULL;
}

/* What LOADK puts into the register, where the instruction is one. */
static const char *loaded_constant(const ChunkFunction *f, size_t at, unsigned reg) {
  if (at >= f->code_count || op_of(f->code[at]) != OP_LOADK || a_of(f->code[at]) != reg)
    return NULL;
  return constant_at(f, f->code[at] >> 15);
}

/* The global is in a register from the instruction behind `at` on. */
static void look_at_read(Lint *lint, const ChunkFunction *f, size_t at,
                         const char *name) {
  unsigned reg = a_of(f->code[at]);
  uint32_t next = at + 1 < f->code_count ? f->code[at + 1] : 0;
  bool field = op_of(next) == OP_GETFIELD && b_of(next) == reg;
  note_read(lint, f->lines[at], name, field ? constant_at(f, c_of(next)) : NULL);
  const char *module = loaded_constant(f, at + 1, reg + 1);
  if (!module || strcmp(name, "require") != 0) return;
  uint32_t call = at + 2 < f->code_count ? f->code[at + 2] : 0;
  bool calls = op_of(call) == OP_CALL || op_of(call) == OP_TAILCALL;
  note_module(lint, f->lines[at], module, calls && a_of(call) == reg);
}

/* A function with many constants has _ENV in a register, and the name in another: what
 * was put there last. */
typedef struct Registers {
  bool env[256];
  const char *name[256];
} Registers;

static void look_at_table(Lint *lint, const ChunkFunction *f, size_t at, Registers *in) {
  uint32_t i = f->code[at];
  if (op_of(i) == OP_LOADK) in->name[a_of(i)] = constant_at(f, i >> 15);
  if (op_of(i) == OP_GETTABLE && in->env[b_of(i)] && in->name[c_of(i)]) {
    look_at_read(lint, f, at, in->name[c_of(i)]);
    in->env[a_of(i)] = false;
  }
  if (op_of(i) == OP_SETTABLE && in->env[a_of(i)] && in->name[b_of(i)])
    note_write(lint, f->lines[at], in->name[b_of(i)]);
}

/* `env`: which of its upvalues are the table of globals. */
static void look_at(Lint *lint, const ChunkFunction *f, const bool env[256]) {
  Registers in = {0};
  for (size_t at = 0; at < f->code_count; at++) {
    uint32_t i = f->code[at];
    const char *name;
    if (op_of(i) == OP_GETTABUP && env[b_of(i)] && (name = constant_at(f, c_of(i))))
      look_at_read(lint, f, at, name);
    else if (op_of(i) == OP_SETTABUP && env[a_of(i)] && (name = constant_at(f, b_of(i))))
      note_write(lint, f->lines[at], name);
    else if (op_of(i) == OP_GETUPVAL) in.env[a_of(i)] = env[b_of(i)];
    else look_at_table(lint, f, at, &in);
  }
  for (size_t n = 0; n < f->function_count; n++) {
    bool inner[256] = {0};
    const ChunkFunction *g = &f->functions[n];
    for (size_t u = 0; u < g->upvalue_count && u < 256; u++)
      inner[u] = !g->upvalues[u].in_stack && env[g->upvalues[u].index];
    look_at(lint, g, inner);
  }
}

/* --- files ------------------------------------------------------------------------ */

static void look_at_file(Lint *lint, const SourceFile *file) {
  size_t len;
  const char *code = source_code(file, &len);
  char *name = xasprintf("@%s", file->path);
  lint->file = file;
  if (luaL_loadbufferx(lint->L, code, len, name, "t") == LUA_OK) {
    ChunkFunction *chunk = chunk_read(lint->L);
    bool env[256] = {true};
    if (chunk) look_at(lint, chunk, env);
    chunk_free(chunk);
  } else {
    const char *why = lua_tostring(lint->L, -1);
    add_finding(
        lint, file, 0,
        xasprintf("%s (the module is required later, and does not compile)", why));
  }
  lua_settop(lint->L, 0);
  free(name);
}

static void look_at_files(Lint *lint) {
  const Sources *sources = lint->gen->sources;
  for (size_t i = 0; i < sources->uses.count; i++) {
    const SourceFile *file = sources_find(sources, sources->uses.modules[i]);
    if (file) add_file(lint, file);
  }
  for (size_t i = 0; i < lint->file_count; i++) look_at_file(lint, lint->files[i]);
}

/* --- judging ---------------------------------------------------------------------- */

static char *describe_unknown(const Lint *lint, const char *what, const char *name) {
  Suggestion s;
  suggest_begin(&s, name);
  for (size_t i = 0; i < lint->known.count; i++) suggest_offer(&s, lint->known.list[i]);
  return xasprintf("undefined %s \"%s\"%s", what, name, suggest_text(&s));
}

static void judge_read(Lint *lint, const Read *read) {
  const char *library = read->field ? read->name : "";
  const char *why = reach_why(library, read->field ? read->field : read->name);
  if (why) {
    if (lint->failed) return;
    add_finding(lint, read->file, read->line,
                xasprintf("%s%s%s: %s", read->name, read->field ? "." : "",
                          read->field ? read->field : "", why));
    return;
  }
  if (!has_name(&lint->known, read->name)) {
    if (!lint->any)
      add_finding(lint, read->file, read->line,
                  describe_unknown(lint, "global", read->name));
    return;
  }
  if (!read->field || !is_library(read->name)) return;
  char *name = xasprintf("%s.%s", read->name, read->field);
  if (!has_name(&lint->known, name))
    add_finding(lint, read->file, read->line, describe_unknown(lint, "field", name));
  free(name);
}

static int by_place(const void *a, const void *b) {
  const Finding *x = a, *y = b;
  int files = strcmp(x->file->path, y->file->path);
  if (files || x->line != y->line) return files ? files : x->line - y->line;
  return strcmp(x->text, y->text);
}

static void log_finding(const Lint *lint, const Finding *f) {
  const char *script = lint->gen->script->owner.name;
  Log *log = lint->gen->rt->host.log;
  if (f->line == 0) log_write(log, LOG_WARN, script, "%s", f->text);
  else log_write(log, LOG_WARN, script, "%s:%d: %s", f->file->path, f->line, f->text);
}

/* Logs each once; returns how many there are. */
static int log_findings(Lint *lint) {
  int count = 0;
  if (lint->finding_count)
    qsort(lint->findings, lint->finding_count, sizeof *lint->findings, by_place);
  for (size_t i = 0; i < lint->finding_count; i++) {
    const Finding *f = &lint->findings[i], *last = i ? f - 1 : NULL;
    if (last && by_place(f, last) == 0) continue;
    if (++count <= MOST_LOGGED) log_finding(lint, f);
  }
  if (count > MOST_LOGGED)
    log_write(lint->gen->rt->host.log, LOG_WARN, lint->gen->script->owner.name,
              "and %d more warnings of this kind", count - MOST_LOGGED);
  return count;
}

static void release_lint(Lint *lint) {
  for (size_t i = 0; i < lint->known.count; i++) free(lint->known.list[i]);
  for (size_t i = 0; i < lint->finding_count; i++) free(lint->findings[i].text);
  for (size_t i = 0; i < lint->read_count; i++) {
    free(lint->reads[i].name);
    free(lint->reads[i].field);
  }
  free(lint->known.list);
  free(lint->findings);
  free(lint->reads);
  free(lint->files);
}

int lint(Generation *gen, bool failed) {
  Lint lint = {.failed = failed, .gen = gen, .L = luaL_newstate()};
  if (!lint.L) return 0;
  collect_globals(&lint);
  look_at_files(&lint);
  for (size_t i = 0; i < lint.read_count; i++) judge_read(&lint, &lint.reads[i]);
  int count = log_findings(&lint);
  lua_close(lint.L);
  release_lint(&lint);
  return count;
}
