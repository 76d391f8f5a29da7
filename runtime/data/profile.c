#include "data/profile.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clean.h"
#include "core/json.h"
#include "core/value_key.h"
#include "data/db.h"
#include "data/db_aside.h"
#include "data/db_place.h"
#include "data/db_tables.h"

enum { MAX_DEEP = 64 };
static const char end_it[] = "end that first, or name another with --profile or --data";

struct Profile {
  char *path;
  int lock; /* -1: none */
  sqlite3 *sql;
  ProfileEntry *entries;
  size_t count;
};

static int set_sql_error(const Profile *p, Error *err) {
  return error_set(err, ERR_IO, "cannot read %.200s: %.100s", p->path,
                   sqlite3_errmsg(p->sql));
}

/* Returns new, or NULL: *err. */
static sqlite3_stmt *prepare_statement(const Profile *p, const char *text, Error *err) {
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2(p->sql, text, -1, &stmt, NULL) == SQLITE_OK) return stmt;
  set_sql_error(p, err);
  return NULL;
}

static bool has_table(const Profile *p, const char *name) {
  return sqlite3_table_column_metadata(p->sql, NULL, name, NULL, NULL, NULL, NULL, NULL,
                                       NULL) == SQLITE_OK;
}

/* --- what there is ---------------------------------------------------------------- */

size_t profile_own_name(const char *name) {
  const char *aside = strstr(name, "~broken-");
  return aside ? (size_t)(aside - name) : strlen(name);
}

static void drop_entries(Profile *p) {
  for (size_t i = 0; i < p->count; i++) free(p->entries[i].name);
  free(p->entries);
  p->entries = NULL;
  p->count = 0;
}

typedef enum EntryKind { KIND_STORE, KIND_CACHE, KIND_KEEP } EntryKind;

static void add_entry(Profile *p, sqlite3_stmt *get, EntryKind kind) {
  p->entries = xrealloc(p->entries, (p->count + 1) * sizeof *p->entries);
  const char *name = (const char *)sqlite3_column_text(get, 0);
  p->entries[p->count++] = (ProfileEntry){.name = xstrdup(name ? name : ""),
                                          .keep = kind == KIND_KEEP,
                                          .cache = kind == KIND_CACHE,
                                          .version = sqlite3_column_int64(get, 1),
                                          .bytes = sqlite3_column_int64(get, 2),
                                          .part = sqlite3_column_int(get, 3)};
}

static int add_entries(Profile *p, const char *text, EntryKind kind, Error *err) {
  sqlite3_stmt *get = prepare_statement(p, text, err);
  if (!get) return ERR_IO;
  while (sqlite3_step(get) == SQLITE_ROW) add_entry(p, get, kind);
  return sqlite3_finalize(get) == SQLITE_OK ? 0 : set_sql_error(p, err);
}

static int by_name(const void *a, const void *b) {
  const ProfileEntry *x = a, *y = b;
  int order = strcmp(x->name, y->name);
  return order ? order : (int)x->cache - (int)y->cache;
}

/* A part is a store of one row, whose place nothing else can have. */
static const char stores[] =
    "SELECT name, version, coalesce((SELECT sum(length(json) + length(place)) FROM row"
    " WHERE row.store = store.id), 0), name LIKE '%~broken-%' AND version = 0 AND"
    " (SELECT count(*) = 1 AND max(place = CAST('branch' AS BLOB) AND child <> 0)"
    " FROM row WHERE row.store = store.id AND parent = 0) FROM store";
static const char caches[] =
    "SELECT name, count(key), coalesce(sum(length(json) + length(key)), 0), 0 FROM cache"
    " JOIN cached ON cached.cache = cache.id GROUP BY cache.id";
static const char keeps[] = "SELECT name, version, length(bytes), 0 FROM keep";

const ProfileEntry *profile_entries(Profile *p, size_t *count, Error *err) {
  drop_entries(p);
  int code = has_table(p, "store") ? add_entries(p, stores, KIND_STORE, err) : 0;
  if (code == 0 && has_table(p, "cached")) code = add_entries(p, caches, KIND_CACHE, err);
  if (code == 0 && has_table(p, "keep")) code = add_entries(p, keeps, KIND_KEEP, err);
  *count = p->count;
  if (code != 0) return NULL;
  if (p->count) qsort(p->entries, p->count, sizeof *p->entries, by_name);
  else p->entries = xcalloc(1, sizeof *p->entries);
  return p->entries;
}

const ProfileEntry *profile_find(Profile *p, const char *name, Error *err) {
  size_t count;
  const ProfileEntry *all = profile_entries(p, &count, err);
  bool cache = strncmp(name, "cache:", 6) == 0 && strchr(name + 6, ':');
  for (size_t i = 0; all && i < count; i++) {
    if (strcmp(all[i].name, name) == 0) return &all[i];
    if (cache && all[i].cache && strcmp(all[i].name, name + 6) == 0) return &all[i];
  }
  if (all) error_set(err, ERR_NOT_FOUND, "nothing is kept under the name %.200s", name);
  return NULL;
}

/* --- what it says ----------------------------------------------------------------- */

typedef struct Reading {
  const Profile *p;
  int64_t store;
  Buffer *out;
  Error *err;
} Reading;

static int put_branch(const Reading *r, int64_t parent, bool array, int deep);

/* A text that is not UTF-8 is shown with "?" for its invalid bytes. */
static void put_key(const Reading *r, sqlite3_stmt *get) {
  size_t len = (size_t)sqlite3_column_bytes(get, 0);
  const char *key = sqlite3_column_blob(get, 0);
  if (json_put_string(r->out, key ? key : "", len) != 0) {
    Buffer clean = {0};
    clean_text(&(Cleaner){0}, key, len, &clean);
    if (json_put_string(r->out, clean.data, clean.len) != 0)
      json_put_string(r->out, "?", 1); /* it ends inside a character */
    buffer_free(&clean);
  }
  buffer_putc(r->out, ':');
}

/* A row that is not JSON is shown as a text, so that the whole stays JSON. */
static int put_json(const Reading *r, const char *text, size_t len) {
  Error ignored;
  JsonArena *arena = json_arena_new(NULL);
  bool good = json_parse_exact(arena, text, len, &ignored) != NULL;
  json_arena_free(arena);
  if (good) buffer_put(r->out, text, len);
  else if (json_put_string(r->out, text, len) != 0) buffer_puts(r->out, "null");
  return 0;
}

static int put_row(const Reading *r, sqlite3_stmt *get, bool array, int deep) {
  if (!array) put_key(r, get);
  int64_t child = sqlite3_column_int64(get, 1);
  size_t len = (size_t)sqlite3_column_bytes(get, 2);
  const char *json = sqlite3_column_blob(get, 2);
  if (child == 0) return put_json(r, json ? json : "", len);
  return put_branch(r, child, len == 2 && json[0] == '[', deep + 1);
}

static int put_branch(const Reading *r, int64_t parent, bool array, int deep) {
  if (deep > MAX_DEEP)
    return error_set(r->err, ERR_DECODE, "what is stored is nested too deeply");
  sqlite3_stmt *get =
      prepare_statement(r->p,
                        "SELECT place, child, json FROM row WHERE store = ?1"
                        " AND parent = ?2 ORDER BY place",
                        r->err);
  if (!get) return ERR_IO;
  sqlite3_bind_int64(get, 1, r->store);
  sqlite3_bind_int64(get, 2, parent);
  int code = 0;
  buffer_putc(r->out, array ? '[' : '{');
  for (bool first = true; code == 0 && sqlite3_step(get) == SQLITE_ROW; first = false) {
    if (!first) buffer_putc(r->out, ',');
    code = put_row(r, get, array, deep);
  }
  buffer_putc(r->out, array ? ']' : '}');
  int rc = sqlite3_finalize(get);
  return code != 0 || rc == SQLITE_OK ? code : set_sql_error(r->p, r->err);
}

/* The first column of the row of that name; false: *err. */
static sqlite3_stmt *find_row(const Profile *p, const char *text, const char *name,
                              Error *err) {
  sqlite3_stmt *get = prepare_statement(p, text, err);
  if (!get) return NULL;
  sqlite3_bind_text(get, 1, name, -1, SQLITE_STATIC);
  if (sqlite3_step(get) == SQLITE_ROW) return get;
  error_set(err, ERR_NOT_FOUND, "nothing is kept under the name %.200s", name);
  sqlite3_finalize(get);
  return NULL;
}

/* {"key", "value", "made"}: a key that is none is shown as null. */
static void put_cached(const Reading *r, sqlite3_stmt *get) {
  Error ignored;
  ValueAccount *account = value_account_new(0);
  Value key = value_key_read(account, sqlite3_column_blob(get, 0),
                             (size_t)sqlite3_column_bytes(get, 0));
  buffer_puts(r->out, "{\"key\":");
  if (key.type == VALUE_ABSENT || value_to_json(key, r->out, &ignored) != 0)
    buffer_puts(r->out, "null");
  value_release(key);
  value_account_close(account);
  const char *json = (const char *)sqlite3_column_text(get, 1);
  buffer_puts(r->out, ",\"value\":");
  put_json(r, json ? json : "", (size_t)sqlite3_column_bytes(get, 1));
  buffer_puts(r->out, ",\"made\":");
  json_put_number(r->out, sqlite3_column_double(get, 2));
  buffer_putc(r->out, '}');
}

static int put_cache(const Reading *r, const char *name) {
  sqlite3_stmt *get =
      prepare_statement(r->p,
                        "SELECT key, json, made FROM cached WHERE cache ="
                        " (SELECT id FROM cache WHERE name = ?1) ORDER BY made",
                        r->err);
  if (!get) return ERR_IO;
  sqlite3_bind_text(get, 1, name, -1, SQLITE_STATIC);
  buffer_putc(r->out, '[');
  for (bool first = true; sqlite3_step(get) == SQLITE_ROW; first = false) {
    if (!first) buffer_putc(r->out, ',');
    put_cached(r, get);
  }
  buffer_putc(r->out, ']');
  return sqlite3_finalize(get) == SQLITE_OK ? 0 : set_sql_error(r->p, r->err);
}

int profile_state(Profile *p, const ProfileEntry *entry, Buffer *out, Error *err) {
  if (entry->cache) return put_cache(&(Reading){p, 0, out, err}, entry->name);
  const char *text = entry->keep ? "SELECT bytes FROM keep WHERE name = ?1"
                                 : "SELECT id FROM store WHERE name = ?1";
  sqlite3_stmt *get = find_row(p, text, entry->name, err);
  if (!get) return (int)err->code;
  Reading r = {p, entry->keep ? 0 : sqlite3_column_int64(get, 0), out, err};
  if (entry->keep && sqlite3_column_bytes(get, 0) > 0)
    buffer_put(out, sqlite3_column_blob(get, 0), (size_t)sqlite3_column_bytes(get, 0));
  sqlite3_finalize(get);
  return entry->keep ? 0 : put_branch(&r, 0, false, 0);
}

/* --- changing it ------------------------------------------------------------------ */

static int rename_entry(const Profile *p, bool keep, const char *from, const char *to,
                        Error *err) {
  sqlite3_stmt *move =
      prepare_statement(p,
                        keep ? "UPDATE keep SET name = ?2 WHERE name = ?1"
                             : "UPDATE store SET name = ?2 WHERE name = ?1",
                        err);
  if (!move) return ERR_IO;
  sqlite3_bind_text(move, 1, from, -1, SQLITE_STATIC);
  sqlite3_bind_text(move, 2, to, -1, SQLITE_STATIC);
  sqlite3_step(move);
  return sqlite3_finalize(move) == SQLITE_OK ? 0 : set_sql_error(p, err);
}

static int run_statements(const Profile *p, const char *text, Error *err) {
  return sqlite3_exec(p->sql, text, NULL, NULL, NULL) == SQLITE_OK
             ? 0
             : set_sql_error(p, err);
}

/* It can be filled anew: nothing of it is worth keeping. */
static int empty_cache(const Profile *p, const char *name, Error *err) {
  sqlite3_stmt *empty = prepare_statement(
      p, "DELETE FROM cached WHERE cache = (SELECT id FROM cache WHERE name = ?1)", err);
  if (!empty) return ERR_IO;
  sqlite3_bind_text(empty, 1, name, -1, SQLITE_STATIC);
  sqlite3_step(empty);
  return sqlite3_finalize(empty) == SQLITE_OK ? 0 : set_sql_error(p, err);
}

int profile_quarantine(Profile *p, const ProfileEntry *entry, char **aside, Error *err) {
  *aside = NULL;
  if (entry->cache) return empty_cache(p, entry->name, err);
  if (entry->name[profile_own_name(entry->name)])
    return error_set(err, ERR_INVALID, "%.200s was set aside already", entry->name);
  *aside = aside_new_name(entry->name);
  int code = rename_entry(p, entry->keep, entry->name, *aside, err);
  if (code == 0) return 0;
  free(*aside);
  *aside = NULL;
  return code;
}

static int check_restore(const ProfileEntry *entry, Error *err) {
  size_t own = profile_own_name(entry->name);
  if (!entry->name[own])
    return error_set(err, ERR_INVALID, "%.200s was not set aside", entry->name);
  if (entry->part)
    return error_set(err, ERR_INVALID,
                     "%.150s is a part of %.*s that could not be read: look at it with "
                     "`tidelock data show`",
                     entry->name, (int)own, entry->name);
  return 0;
}

/* Renames both, or neither. */
static int swap_names(Profile *p, bool keep, const char *name, const char *own,
                      char **aside, Error *err) {
  *aside = aside_new_name(own);
  int code = run_statements(p, "BEGIN IMMEDIATE", err);
  if (code == 0) code = rename_entry(p, keep, own, *aside, err);
  bool moved = sqlite3_changes(p->sql) > 0;
  if (code == 0) code = rename_entry(p, keep, name, own, err);
  if (code == 0) code = run_statements(p, "COMMIT", err);
  if (code != 0) sqlite3_exec(p->sql, "ROLLBACK", NULL, NULL, NULL);
  if (code == 0 && moved) return 0;
  free(*aside);
  *aside = NULL;
  return code;
}

int profile_restore(Profile *p, const ProfileEntry *entry, char **aside, Error *err) {
  *aside = NULL;
  if (check_restore(entry, err) != 0) return (int)err->code;
  char *own = xstrndup(entry->name, profile_own_name(entry->name));
  int code = swap_names(p, entry->keep, entry->name, own, aside, err);
  free(own);
  return code;
}

/* --- life ------------------------------------------------------------------------- */

static int check_format(const Profile *p, Error *err) {
  int format = 0;
  if (db_read_format(p->sql, &format) != SQLITE_OK) return set_sql_error(p, err);
  if (format == 0 || format == DB_FORMAT) return 0;
  return error_set(err, ERR_IO, "%.200s was written by %s version of Tidelock", p->path,
                   format < DB_FORMAT ? "an older" : "a newer");
}

static int open_file(Profile *p, bool writes, Error *err) {
  if (access(p->path, F_OK) != 0)
    return error_set(err, ERR_NOT_FOUND, "nothing is kept: there is no %.200s", p->path);
  if (place_check_file(p->path, err) != 0) return ERR_IO;
  int flags = writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  int rc = sqlite3_open_v2(p->path, &p->sql, flags | SQLITE_OPEN_NOMUTEX, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_busy_timeout(p->sql, 1000);
  return rc == SQLITE_OK ? check_format(p, err) : set_sql_error(p, err);
}

/* Another process has begun a move of files and not ended it: reading does not wait. */
static int finish_begun(const char *folder, Error *err) {
  if (!aside_pending(folder)) return 0;
  int lock = place_lock(folder, end_it, err);
  if (lock >= 0) close(lock);
  return lock >= 0 ? 0 : (int)err->code;
}

Profile *profile_open(const char *folder, bool writes, Error *err) {
  if (finish_begun(folder, err) != 0) return NULL;
  Profile *p = xcalloc(1, sizeof *p);
  p->path = xasprintf("%s/state.db", folder);
  p->lock = -1;
  if (writes && access(p->path, F_OK) == 0 &&
      (p->lock = place_lock(folder, end_it, err)) < 0) {
    profile_close(p);
    return NULL;
  }
  if (open_file(p, writes, err) == 0) return p;
  profile_close(p);
  return NULL;
}

void profile_close(Profile *p) {
  drop_entries(p);
  sqlite3_close(p->sql);
  if (p->lock >= 0) close(p->lock);
  free(p->path);
  free(p);
}

/* --- whole files ------------------------------------------------------------------ */

/* sqlite does not read a folder or a pipe. */
static bool is_file(const char *folder, const char *name) {
  struct stat st;
  char *path = xasprintf("%s/%s", folder, name);
  bool is = stat(path, &st) == 0 && S_ISREG(st.st_mode);
  free(path);
  return is;
}

int profile_restore_file(const char *folder, const char *name, char **aside, Error *err) {
  *aside = NULL;
  int lock = -1;
  if (access(folder, F_OK) == 0 && (lock = place_lock(folder, end_it, err)) < 0)
    return (int)err->code;
  int code = 0;
  if (!aside_is_one(name) || !is_file(folder, name))
    code = error_set(err, ERR_NOT_FOUND, "there is no %.100s in %.150s", name, folder);
  else code = aside_move(folder, name, aside, err);
  if (lock >= 0) close(lock);
  return code;
}
