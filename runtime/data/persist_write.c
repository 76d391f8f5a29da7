/* Performs a Write: its operations on rows, in one transaction, on the database's thread.
 */
#include "data/persist_write.h"

#include <string.h>

#include <sqlite3.h>

typedef struct Writer {
  sqlite3 *sql;
  sqlite3_stmt *put, *delete, *drop, *move, *settle;
  int64_t store, next_id;
  Buffer json;
} Writer;

static int prepare_statements(Writer *w) {
  const struct {
    sqlite3_stmt **stmt;
    const char *sql;
  } all[] = {
      {&w->put, "INSERT OR REPLACE INTO row VALUES(?1, ?2, ?3, ?4, ?5)"},
      {&w->delete, "DELETE FROM row WHERE store=?1 AND parent=?2 AND place=?3"},
      {&w->drop, "DELETE FROM row WHERE store=?1 AND parent=?2"},
      {&w->move, "UPDATE row SET parent=-?2, place=?4"
                 " WHERE store=?1 AND parent=?2 AND place=?3"},
      {&w->settle, "UPDATE row SET parent=?2 WHERE store=?1 AND parent=-?2"},
  };
  int rc = SQLITE_OK;
  for (size_t i = 0; rc == SQLITE_OK && i < COUNT_OF(all); i++)
    rc = sqlite3_prepare_v2(w->sql, all[i].sql, -1, all[i].stmt, NULL);
  return rc;
}

static void finish_writer(Writer *w) {
  sqlite3_stmt *all[] = {w->put, w->delete, w->drop, w->move, w->settle};
  for (size_t i = 0; i < COUNT_OF(all); i++) sqlite3_finalize(all[i]);
  buffer_free(&w->json);
}

static void bind_row_key(sqlite3_stmt *stmt, const RowKey *place) {
  if (place->key) sqlite3_bind_blob64(stmt, 3, place->key, place->len, SQLITE_STATIC);
  else sqlite3_bind_int64(stmt, 3, place->rank);
}

/* SQLITE_EMPTY when JSON cannot hold the item: then *refused says why. */
static int bind_item(Writer *w, const Op *op, Error *refused) {
  Error err = {0};
  buffer_clear(&w->json);
  sqlite3_bind_int64(w->put, 4, op->child);
  if (op->child)
    return sqlite3_bind_text(w->put, 5, op->item.boolean ? "[]" : "{}", 2, SQLITE_STATIC);
  if (op->level + value_height(op->item) > KEEP_HEIGHT)
    error_set(&err, ERR_TOO_LARGE, "nested more than %d deep", KEEP_HEIGHT);
  else value_to_json(op->item, &w->json, &err);
  if (err.code != ERR_NONE) {
    if (refused->code == ERR_NONE)
      error_set(refused, err.code, "%.*s%s%.160s", op->place.key ? (int)op->place.len : 0,
                op->place.key ? op->place.key : "", op->place.key ? ": " : "",
                err.message);
    return SQLITE_EMPTY;
  }
  return sqlite3_bind_text64(w->put, 5, w->json.data, w->json.len, SQLITE_STATIC,
                             SQLITE_UTF8);
}

/* Runs a statement with texts and a number for ?1, ?2, ?3; *result is its first column.
 */
static int run_statement(sqlite3 *sql, const char *text, const char *one, const char *two,
                         int64_t three, int64_t *result) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(sql, text, -1, &stmt, NULL);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(stmt, 1, one, -1, SQLITE_STATIC);
  if (sqlite3_bind_parameter_count(stmt) > 1)
    sqlite3_bind_text(stmt, 2, two, -1, SQLITE_STATIC);
  if (sqlite3_bind_parameter_count(stmt) > 2) sqlite3_bind_int64(stmt, 3, three);
  if (sqlite3_step(stmt) == SQLITE_ROW && result) *result = sqlite3_column_int64(stmt, 0);
  return sqlite3_finalize(stmt);
}

/* Moves the rows of a branch, and all below it, to a store of another name, where the
 * branch has the key "branch". */
static int set_branch_aside(Writer *w, const Op *op) {
  static const char rows[] =
      "WITH RECURSIVE below(id) AS (SELECT ?2 UNION SELECT child FROM row, below"
      " WHERE store=?1 AND parent=below.id AND child<>0)"
      " UPDATE row SET store=?3 WHERE store=?1 AND parent IN below";
  static const char top[] =
      "INSERT INTO row SELECT ?3, 0, CAST('branch' AS BLOB), ?2,"
      " CASE WHEN EXISTS (SELECT 1 FROM row WHERE store=?3 AND parent=?2"
      " AND typeof(place)='blob') THEN '{}' ELSE '[]' END WHERE ?1";
  const char *all[] = {rows, top};
  int64_t aside = 0;
  int rc =
      run_statement(w->sql, "INSERT INTO store(name, version, next) VALUES(?1, 0, ?3)",
                    op->place.key, NULL, w->next_id, NULL);
  if (rc == SQLITE_OK)
    rc = run_statement(w->sql, "SELECT id FROM store WHERE name=?1", op->place.key, NULL,
                       0, &aside);
  for (size_t i = 0; rc == SQLITE_OK && i < COUNT_OF(all); i++) {
    sqlite3_stmt *stmt = NULL;
    rc = sqlite3_prepare_v2(w->sql, all[i], -1, &stmt, NULL);
    if (rc != SQLITE_OK) break;
    sqlite3_bind_int64(stmt, 1, w->store);
    sqlite3_bind_int64(stmt, 2, op->parent);
    sqlite3_bind_int64(stmt, 3, aside);
    sqlite3_step(stmt);
    rc = sqlite3_finalize(stmt);
  }
  return rc;
}

static int write_op(Writer *w, const Op *op, Error *refused) {
  sqlite3_stmt *const by_kind[] = {[OP_PUT] = w->put,
                                   [OP_DELETE] = w->delete,
                                   [OP_DROP] = w->drop,
                                   [OP_MOVE] = w->move,
                                   [OP_SETTLE] = w->settle};
  if (op->kind == OP_ASIDE) return set_branch_aside(w, op);
  sqlite3_stmt *stmt = by_kind[op->kind];
  int rc = SQLITE_OK;
  sqlite3_bind_int64(stmt, 1, w->store);
  sqlite3_bind_int64(stmt, 2, op->parent);
  if (op->kind == OP_PUT || op->kind == OP_DELETE || op->kind == OP_MOVE)
    bind_row_key(stmt, &op->place);
  if (op->kind == OP_MOVE) sqlite3_bind_int64(stmt, 4, op->rank);
  if (op->kind == OP_PUT) rc = bind_item(w, op, refused);
  if (rc == SQLITE_EMPTY) return SQLITE_OK;
  if (rc != SQLITE_OK) return rc;
  sqlite3_step(stmt);
  return sqlite3_reset(stmt);
}

static int find_store(const Write *write, sqlite3 *sql, int64_t *id) {
  int rc = SQLITE_OK;
  if (write->aside)
    rc = run_statement(sql, "UPDATE store SET name=?2 WHERE name=?1", write->name,
                       write->aside, 0, NULL);
  if (rc == SQLITE_OK)
    rc = run_statement(sql,
                       "INSERT INTO store(name, version) SELECT ?1, ?3 WHERE ?2 IS NULL"
                       " ON CONFLICT(name) DO UPDATE SET version=excluded.version"
                       " WHERE version<>excluded.version",
                       write->name, NULL, write->version, NULL);
  if (rc == SQLITE_OK)
    rc = run_statement(sql, "UPDATE store SET next=?3 WHERE name=?1 AND next<>?3",
                       write->name, NULL, write->next_id, NULL);
  if (rc == SQLITE_OK)
    rc = run_statement(sql, "SELECT id FROM store WHERE name=?1", write->name, NULL, 0,
                       id);
  return rc;
}

static int write_gone(const Write *write, sqlite3 *sql, int64_t store) {
  sqlite3_stmt *put = NULL;
  if (!write->gone) return SQLITE_OK;
  int rc = sqlite3_prepare_v2(sql, "INSERT OR REPLACE INTO gone VALUES(?1, ?2)", -1, &put,
                              NULL);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_int64(put, 1, store);
  sqlite3_bind_text(put, 2, write->gone, -1, SQLITE_STATIC);
  sqlite3_step(put);
  return sqlite3_finalize(put);
}

int write_work(DbJob *job, sqlite3 *sql) {
  Write *write = CONTAINER_OF(job, Write, job);
  Writer w = {.sql = sql, .next_id = write->next_id};
  write->refused = (Error){0};
  int rc = find_store(write, sql, &w.store);
  if (rc == SQLITE_OK) rc = write_gone(write, sql, w.store);
  if (rc == SQLITE_OK) rc = prepare_statements(&w);
  for (size_t i = 0; rc == SQLITE_OK && i < write->count; i++)
    rc = write_op(&w, &write->ops[i], &write->refused);
  finish_writer(&w);
  return rc;
}
