/* See db_tables.h. */
#include <sqlite3.h>

#include "data/db_tables.h"

#include <stddef.h>

int db_run_sql(sqlite3 *sql, const char *text) {
  return sqlite3_exec(sql, text, NULL, NULL, NULL);
}

int db_read_format(sqlite3 *sql, int *format) {
  sqlite3_stmt *get = NULL;
  int rc = sqlite3_prepare_v2(sql, "PRAGMA user_version", -1, &get, NULL);
  if (rc == SQLITE_OK && sqlite3_step(get) == SQLITE_ROW)
    *format = sqlite3_column_int(get, 0);
  return rc == SQLITE_OK ? sqlite3_finalize(get) : rc;
}

int db_make_tables(sqlite3 *sql) {
  int rc = db_run_sql(sql, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                           " PRAGMA journal_size_limit=4194304");
  if (rc == SQLITE_OK)
    rc = db_run_sql(
        sql, "BEGIN;"
             "CREATE TABLE IF NOT EXISTS store(id INTEGER PRIMARY KEY,"
             " name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL,"
             " next INTEGER NOT NULL DEFAULT 1);"
             "CREATE TABLE IF NOT EXISTS row(store INTEGER NOT NULL,"
             " parent INTEGER NOT NULL, place BLOB NOT NULL, child INTEGER NOT NULL,"
             " json TEXT NOT NULL, PRIMARY KEY(store, parent, place)) WITHOUT ROWID;"
             "CREATE TABLE IF NOT EXISTS gone(store INTEGER PRIMARY KEY,"
             " keys TEXT NOT NULL);"
             "CREATE TABLE IF NOT EXISTS cache(id INTEGER PRIMARY KEY,"
             " name TEXT NOT NULL UNIQUE);"
             "CREATE TABLE IF NOT EXISTS cached(cache INTEGER NOT NULL,"
             " key BLOB NOT NULL, made REAL NOT NULL, boot REAL NOT NULL,"
             " session INTEGER NOT NULL, span REAL NOT NULL, ttl REAL NOT NULL,"
             " bytes INTEGER NOT NULL, tags TEXT NOT NULL, json TEXT NOT NULL,"
             " PRIMARY KEY(cache, key)) WITHOUT ROWID;"
             "CREATE TABLE IF NOT EXISTS outbox(script TEXT NOT NULL,"
             " seq INTEGER NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,"
             " lane TEXT NOT NULL, version INTEGER NOT NULL, state INTEGER NOT NULL,"
             " created REAL NOT NULL, args BLOB NOT NULL, note BLOB, request BLOB,"
             " PRIMARY KEY(script, seq)) WITHOUT ROWID;"
             "PRAGMA user_version=2;"
             "COMMIT");
  if (rc != SQLITE_OK) db_run_sql(sql, "ROLLBACK");
  return rc;
}

int db_set_full(sqlite3 *sql, bool full) {
  return db_run_sql(sql, full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}

int db_set_max_pages(sqlite3 *sql, int pages) {
  char text[64];
  sqlite3_snprintf(sizeof text, text, "PRAGMA max_page_count=%d",
                   pages ? pages : 1 << 30);
  return db_run_sql(sql, text);
}
