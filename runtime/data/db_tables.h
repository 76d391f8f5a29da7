/* The format of a database: its tables, and the number of its format. On the thread that
 * the connection belongs to; knows no queue. */
#ifndef TIDELOCK_DATA_DB_TABLES_H
#define TIDELOCK_DATA_DB_TABLES_H

#include <stdbool.h>

#include <sqlite3.h>

enum { DB_FORMAT = 2 }; /* user_version of the file */

/* These return a code of sqlite's. */
int db_run_sql(sqlite3 *sql, const char *text);
int db_read_format(sqlite3 *sql, int *format); /* 0: the file has no tables yet */
/* Sets the way that it is written, and makes the tables that are missing. */
int db_make_tables(sqlite3 *sql);
/* Whether each transaction from now on is on the medium when it is done. */
int db_set_full(sqlite3 *sql, bool full);
/* Fails writes that would make the file larger; 0: no limit. */
int db_set_max_pages(sqlite3 *sql, int pages);

#endif
