/* Loads a store: the rows of a branch are read on the database's thread (or on the loop,
 * when code uses the value), and built into values and the branch that mirrors them.
 * Items that are branches themselves become lazy values: see persist_lazy.c. */
#include "data/persist_load.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "data/persist_rows.h"

/* --- rows -----------------------------------------------------------------------------
 */

static size_t keep_bytes(Load *load, const void *bytes, size_t len) {
  buffer_put(&load->bytes, bytes, len);
  return load->bytes.len - len;
}

static void add_row(Load *load, sqlite3_stmt *get) {
  if (load->count == load->room) {
    load->room = load->room ? load->room * 2 : 64;
    load->rows = xrealloc(load->rows, load->room * sizeof *load->rows);
  }
  Row *row = &load->rows[load->count++];
  *row = (Row){.child = sqlite3_column_int64(get, 1)};
  row->keyed = sqlite3_column_type(get, 0) != SQLITE_INTEGER;
  if (row->keyed) {
    row->key_len = (size_t)sqlite3_column_bytes(get, 0);
    row->key = keep_bytes(load, sqlite3_column_blob(get, 0), row->key_len);
  } else {
    row->rank = sqlite3_column_int64(get, 0);
  }
  row->json_len = (size_t)sqlite3_column_bytes(get, 2);
  row->json = keep_bytes(load, sqlite3_column_blob(get, 2), row->json_len);
}

static int find_store(Load *load, sqlite3 *sql) {
  sqlite3_stmt *get = NULL;
  int rc = sqlite3_prepare_v2(sql, "SELECT id, version, next FROM store WHERE name = ?",
                              -1, &get, NULL);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(get, 1, load->name, -1, SQLITE_STATIC);
  if (sqlite3_step(get) == SQLITE_ROW) {
    load->store = sqlite3_column_int64(get, 0);
    load->version = sqlite3_column_int64(get, 1);
    load->next_id = sqlite3_column_int64(get, 2);
  }
  return sqlite3_finalize(get);
}

/* Files of older versions do not have this table. */
static int find_gone(Load *load, sqlite3 *sql) {
  sqlite3_stmt *get = NULL;
  int rc = sqlite3_table_column_metadata(sql, NULL, "gone", NULL, NULL, NULL, NULL, NULL,
                                         NULL);
  if (rc == SQLITE_ERROR) return SQLITE_OK;
  if (rc == SQLITE_OK)
    rc =
        sqlite3_prepare_v2(sql, "SELECT keys FROM gone WHERE store = ?1", -1, &get, NULL);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_int64(get, 1, load->store);
  if (sqlite3_step(get) == SQLITE_ROW && sqlite3_column_bytes(get, 0) > 0)
    buffer_put(&load->gone, sqlite3_column_blob(get, 0),
               (size_t)sqlite3_column_bytes(get, 0));
  return sqlite3_finalize(get);
}

int load_work(DbJob *job, sqlite3 *sql) {
  Load *load = CONTAINER_OF(job, Load, job);
  int rc = load->name ? find_store(load, sql) : SQLITE_OK;
  if (rc != SQLITE_OK || load->version < 0) return rc;
  if (load->name) rc = find_gone(load, sql);
  if (rc != SQLITE_OK) return rc;
  sqlite3_stmt *get = NULL;
  rc = sqlite3_prepare_v2(sql,
                          "SELECT place, child, json FROM row WHERE store = ?1"
                          " AND parent = ?2 AND typeof(place) IN ('integer', 'blob')"
                          " ORDER BY place",
                          -1, &get, NULL);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_int64(get, 1, load->store);
  sqlite3_bind_int64(get, 2, load->parent);
  while (sqlite3_step(get) == SQLITE_ROW) add_row(load, get);
  return sqlite3_finalize(get);
}

void load_free(Load *load) {
  free(load->rows);
  buffer_free(&load->bytes);
  buffer_free(&load->gone);
}

/* --- building -------------------------------------------------------------------------
 */

static const char *text_at(const Build *b, size_t offset) {
  return b->load->bytes.data + offset;
}

static bool set_broken(Build *b, const char *what) {
  if (b->err.code == ERR_NONE)
    error_set(&b->err, ERR_DECODE, "rows below %lld: %.200s", (long long)b->load->parent,
              what);
  return false;
}

static void set_full(Build *b) {
  error_set(&b->err, ERR_MEMORY, "what is stored is more than the store may hold");
}

/* Objects of few keys share them, and are made at once for that. */
enum { FEW = 32 };

static void add_below(Build *b, Value lazy, const Row *row) {
  if (b->below_count == b->below_room) {
    b->below_room = b->below_room ? b->below_room * 2 : 8;
    b->below = xrealloc(b->below, b->below_room * sizeof *b->below);
  }
  b->below[b->below_count++] = (Below){lazy, row};
}

void build_begin(Build *b, const Load *load, const Unread *of, ValueAccount *account) {
  *b = (Build){.load = load, .source = of->source, .account = account};
  b->type = of->lazy.type;
  b->level = of->level;
  b->arena = json_arena_new(NULL);
  if (b->type == VALUE_ARRAY) {
    b->items = value_array_begin(account);
    b->ranks = value_array_begin(of->source->rows->account);
  } else if (load->count > FEW) {
    b->object = value_object(account);
    if (b->object.type == VALUE_ABSENT) set_full(b);
  } else {
    b->fields = xcalloc(load->count + 1, sizeof *b->fields);
  }
  of->source->read += load->count;
}

/* A child's number is above its parent's, so that no branch contains itself. */
static bool build_child(Build *b, const Row *row, Value *out) {
  bool array = row->json_len == 2 && memcmp(text_at(b, row->json), "[]", 2) == 0;
  if (row->child <= b->load->parent) return set_broken(b, "a branch out of order");
  if (b->level >= SPLIT_LEVELS) return set_broken(b, "branches nested too deeply");
  Source *source = b->source;
  Unread *u = xcalloc(1, sizeof *u), *head = &source->all;
  *u = (Unread){.source = source, .store = b->load->store, .id = row->child};
  u->level = b->level + 1;
  u->prev = head, u->next = head->next;
  u->prev->next = u->next->prev = u;
  *out = u->lazy =
      value_lazy(b->account, array ? VALUE_ARRAY : VALUE_OBJECT,
                 VALUE_LAZY_HEIGHT + SPLIT_LEVELS - u->level, &source->loader, u);
  add_below(b, *out, row);
  return true;
}

static bool build_leaf(Build *b, const Row *row, Value *out) {
  Error err = {0};
  const cJSON *item =
      json_parse_exact(b->arena, text_at(b, row->json), row->json_len, &err);
  if (!item || value_from_json(b->account, b->arena, item, out, &err) != 0) {
    if (err.code == ERR_MEMORY) set_full(b);
    return set_broken(b, err.message);
  }
  if (value_height(*out) <= KEEP_HEIGHT) return true;
  value_release(*out);
  return set_broken(b, "an item nested too deeply");
}

static bool is_wanted(const Build *b, const Row *row) {
  if (!b->only) return true;
  for (size_t i = 0; i < b->only->key_count; i++)
    if (strlen(b->only->keys[i]) == row->key_len &&
        memcmp(b->only->keys[i], text_at(b, row->key), row->key_len) == 0)
      return true;
  return false;
}

/* Takes the item. */
static void add_item(Build *b, const Row *row, Value item) {
  if (b->items) {
    value_array_add(b->items, item);
    value_array_add(b->ranks, value_int(row->rank));
    return;
  }
  const char *key = text_at(b, row->key);
  if (b->fields) b->fields[b->count++] = (ValueField){key, row->key_len, item};
  else if (value_object_set(b->account, &b->object, key, row->key_len, item) != 0)
    set_full(b);
}

static bool build_row(Build *b, const Row *row) {
  const int64_t most = (int64_t)1 << 62; /* so that there is room beside it */
  if (row->keyed != (b->type == VALUE_OBJECT))
    return set_broken(b, "keys and ranks are mixed");
  if (row->rank > most || row->rank < -most) return set_broken(b, "a rank out of bounds");
  if (!is_wanted(b, row)) return true;
  Value item;
  bool good = row->child ? build_child(b, row, &item) : build_leaf(b, row, &item);
  if (good) add_item(b, row, item);
  return good;
}

bool build_step(Build *b, size_t rows) {
  size_t used = value_account_used(b->account);
  for (; rows && b->at < b->load->count && b->err.code == ERR_NONE; rows--, b->at++)
    build_row(b, &b->load->rows[b->at]);
  value_account_add_loaded(b->account, value_account_used(b->account) - used);
  return b->at == b->load->count || b->err.code != ERR_NONE;
}

static RowKey key_of_row(const Build *b, const Row *row) {
  RowKey place = {.rank = row->rank};
  if (row->keyed) place = (RowKey){.key = text_at(b, row->key), .len = row->key_len};
  return place;
}

/* Takes the ranks. */
static void mirror_ranks(Build *b, Branch *branch) {
  Rows *rows = b->source->rows;
  if (b->ranks) {
    value_release(branch->ranks);
    branch->ranks = value_array_end(b->ranks);
    b->ranks = NULL;
  }
  for (size_t i = 0; i < b->below_count; i++) {
    Unread *u = value_lazy_item(b->below[i].lazy, &b->source->loader);
    if (!u) continue;
    u->branch = branch_new(rows, u->id, u->lazy.type, key_of_row(b, b->below[i].row));
    u->branch->unread = u;
    branch_add(branch, u->branch);
    if (u->id >= rows->next_id) rows->next_id = u->id + 1;
  }
}

/* Takes the items. */
static Value assemble_value(Build *b) {
  Value whole = b->object;
  if (b->items) whole = value_array_end(b->items);
  if (b->fields) whole = value_object_of(b->account, b->fields, b->count);
  b->items = NULL;
  b->object = (Value){0};
  b->count = 0;
  return whole;
}

void build_drop(Build *b) {
  for (size_t i = 0; i < b->count; i++) value_release(b->fields[i].item);
  value_release(b->object);
  if (b->items) value_array_drop(b->items);
  if (b->ranks) value_array_drop(b->ranks);
  json_arena_free(b->arena);
  free(b->fields);
  free(b->below);
}

Value build_end(Build *b, Branch *branch) {
  Value whole = {0};
  if (b->err.code == ERR_NONE) {
    size_t used = value_account_used(b->account);
    whole = assemble_value(b);
    value_account_add_loaded(b->account, value_account_used(b->account) - used);
    if (whole.type == VALUE_ABSENT) set_full(b);
    else if (branch) mirror_ranks(b, branch);
  }
  build_drop(b);
  return whole;
}
