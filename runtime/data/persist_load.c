/* What is stored of a store: read on the database's thread into plain rows, built into
 * values and branches on the loop. Rows come by parent and place, so the items of a
 * branch stand together and in order. */
#include <stdlib.h>
#include <string.h>

#include "data/persist_parts.h"

/* --- on the database's thread ---------------------------------------------------------
 */

static size_t keep(Load *load, const void *bytes, size_t len) {
  buffer_put(&load->bytes, bytes, len);
  return load->bytes.len - len;
}

static void add_row(Load *load, sqlite3_stmt *get) {
  if (load->count == load->room) {
    load->room = load->room ? load->room * 2 : 64;
    load->rows = xrealloc(load->rows, load->room * sizeof *load->rows);
  }
  Row *row = &load->rows[load->count++];
  *row = (Row){.parent = sqlite3_column_int64(get, 0),
               .child = sqlite3_column_int64(get, 2)};
  row->keyed = sqlite3_column_type(get, 1) != SQLITE_INTEGER;
  if (row->keyed) {
    row->key_len = (size_t)sqlite3_column_bytes(get, 1);
    row->key = keep(load, sqlite3_column_blob(get, 1), row->key_len);
  } else {
    row->rank = sqlite3_column_int64(get, 1);
  }
  row->json_len = (size_t)sqlite3_column_bytes(get, 3);
  row->json = keep(load, sqlite3_column_blob(get, 3), row->json_len);
}

static int find_store(Load *load, sqlite3 *sql) {
  sqlite3_stmt *get = NULL;
  int rc = sqlite3_prepare_v2(sql, "SELECT id, version FROM store WHERE name = ?", -1,
                              &get, NULL);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(get, 1, load->name, -1, SQLITE_STATIC);
  if (sqlite3_step(get) == SQLITE_ROW) {
    load->id = sqlite3_column_int64(get, 0);
    load->version = sqlite3_column_int64(get, 1);
  }
  return sqlite3_finalize(get);
}

int load_work(DbJob *job, sqlite3 *sql) {
  Load *load = CONTAINER_OF(job, Load, job);
  int rc = find_store(load, sql);
  if (rc != SQLITE_OK || load->version < 0) return rc;
  sqlite3_stmt *get = NULL;
  rc = sqlite3_prepare_v2(sql,
                          "SELECT parent, place, child, json FROM row WHERE store = ?"
                          " ORDER BY parent, place",
                          -1, &get, NULL);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_int64(get, 1, load->id);
  while (sqlite3_step(get) == SQLITE_ROW) add_row(load, get);
  return sqlite3_finalize(get);
}

void load_free(Load *load) {
  free(load->rows);
  buffer_free(&load->bytes);
}

/* --- on the loop ----------------------------------------------------------------------
 */

typedef struct Builder {
  const Load *load;
  Rows *rows;
  ValueAccount *account;
  JsonArena *arena;
  Error *err;
} Builder;

static const char *text_at(const Builder *b, size_t offset) {
  return b->load->bytes.data + offset;
}

static bool broken(const Builder *b, int64_t parent, const char *what) {
  if (b->err->code == ERR_NONE)
    error_set(b->err, ERR_DECODE, "rows below %lld: %.200s", (long long)parent, what);
  return false;
}

/* The first row of that parent, or behind. */
static size_t first_of(const Load *load, int64_t parent) {
  size_t low = 0, high = load->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (load->rows[middle].parent < parent) low = middle + 1;
    else high = middle;
  }
  return low;
}

static bool build(const Builder *b, Branch *branch, const PersistOptions *only,
                  Value *out);

static bool build_child(const Builder *b, Branch *branch, const Row *row, Place place,
                        Value *out) {
  bool array = row->json_len == 2 && memcmp(text_at(b, row->json), "[]", 2) == 0;
  if (row->child <= branch->id) return broken(b, branch->id, "a branch out of order");
  Branch *child =
      branch_new(b->rows, row->child, array ? VALUE_ARRAY : VALUE_OBJECT, place);
  branch_add(branch, child);
  if (child->id >= b->rows->next_id) b->rows->next_id = child->id + 1;
  return build(b, child, NULL, out);
}

static bool build_leaf(const Builder *b, const Branch *branch, const Row *row,
                       Value *out) {
  Error err = {0};
  const cJSON *item =
      json_parse_exact(b->arena, text_at(b, row->json), row->json_len, &err);
  if (item && value_from_json(b->account, b->arena, item, out, &err) == 0) return true;
  if (err.code == ERR_MEMORY) *b->err = err;
  return broken(b, branch->id, err.message);
}

static bool is_wanted(const Builder *b, const Row *row, const PersistOptions *only) {
  if (!only) return true;
  for (size_t i = 0; i < only->key_count; i++)
    if (strlen(only->keys[i]) == row->key_len &&
        memcmp(only->keys[i], text_at(b, row->key), row->key_len) == 0)
      return true;
  return false;
}

static bool build_row(const Builder *b, Branch *branch, const Row *row,
                      ValueField *field) {
  Place place = {.rank = row->rank};
  if (row->keyed != (branch->type == VALUE_OBJECT))
    return broken(b, branch->id, "keys and ranks are mixed");
  if (row->keyed) place = (Place){.key = text_at(b, row->key), .len = row->key_len};
  field->key = place.key;
  field->key_len = place.len;
  return row->child ? build_child(b, branch, row, place, &field->item)
                    : build_leaf(b, branch, row, &field->item);
}

/* Takes the items. */
static Value assemble(const Builder *b, Branch *branch, const ValueField *fields,
                      const Row *rows, size_t count) {
  if (branch->type == VALUE_OBJECT) return value_object_of(b->account, fields, count);
  Value *items = xcalloc(count + 1, sizeof *items);
  for (size_t i = 0; i < count; i++) items[i] = value_int(rows[i].rank);
  value_release(branch->ranks);
  branch->ranks = value_array(b->rows->account, items, count);
  for (size_t i = 0; i < count; i++) items[i] = fields[i].item;
  Value array = value_array(b->account, items, count);
  free(items);
  return array;
}

static bool build(const Builder *b, Branch *branch, const PersistOptions *only,
                  Value *out) {
  const Load *load = b->load;
  size_t from = first_of(load, branch->id), to = first_of(load, branch->id + 1), n = 0;
  ValueField *fields = xcalloc(to - from + 1, sizeof *fields);
  bool good = true;
  for (size_t i = from; good && i < to; i++) {
    if (!is_wanted(b, &load->rows[i], only)) continue;
    good = build_row(b, branch, &load->rows[i], &fields[n]);
    n += good;
  }
  if (good) *out = assemble(b, branch, fields, &load->rows[from], n);
  for (size_t i = 0; !good && i < n; i++) value_release(fields[i].item);
  free(fields);
  if (good && out->type == VALUE_ABSENT) {
    good = false;
    error_set(b->err, ERR_MEMORY, "what is stored is more than the store may hold");
  }
  return good;
}

bool load_build(const Load *load, Rows *rows, const PersistOptions *options,
                ValueAccount *account, Value *out, Error *err) {
  Builder b = {load, rows, account, json_arena_new(), err};
  /* Also the branches of keys that are not wanted keep their numbers. */
  for (size_t i = 0; i < load->count; i++)
    if (load->rows[i].child >= rows->next_id) rows->next_id = load->rows[i].child + 1;
  bool older = load->version < options->version; /* all of it is to be migrated */
  bool good = build(&b, rows->root, older ? NULL : options, out);
  json_arena_free(b.arena);
  return good;
}
