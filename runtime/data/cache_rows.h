/* The rows of caches in the database: how they are written and read. The functions of
 * jobs run on the database's thread. */
#ifndef TIDELOCK_DATA_CACHE_ROWS_H
#define TIDELOCK_DATA_CACHE_ROWS_H

#include "core/buffer.h"
#include "core/index.h"
#include "core/value.h"
#include "data/db.h"

typedef enum CacheOpKind { CACHE_PUT, CACHE_AGE, CACHE_DROP } CacheOpKind;

/* What is to become of one key; the last one counts. */
typedef struct CacheOp {
  IndexNode node;
  struct CacheOp *prev, *next;
  CacheOpKind kind;
  bool anew;         /* the disk has nothing of this key */
  double made, boot; /* wall time; the clock of the cache then */
  double span, ttl;  /* seconds that it is fresh; that it was given */
  size_t bytes;
  Value value, tags; /* owned; lent to the database's thread */
  size_t len;
  char key[];
} CacheOp;

typedef struct CacheWrite {
  DbJob job;
  char *name; /* owned */
  CacheOp *ops;
  uint64_t session;
  bool forget;   /* first of all, all rows go */
  Error refused; /* why a value cannot be written: the first */
} CacheWrite;
int cache_write_work(DbJob *job, sqlite3 *sql);

/* A row as it was read; offsets into bytes. */
typedef struct CacheRow {
  size_t key, key_len, tags, tags_len;
  double made, boot, span, ttl;
  uint64_t session;
  int64_t size;
} CacheRow;

typedef struct CacheLoad {
  DbJob job;
  const char *name; /* borrowed */
  Buffer rows;      /* of CacheRow, the oldest first */
  Buffer bytes;
} CacheLoad;
int cache_load_work(DbJob *job, sqlite3 *sql);

/* Appends the JSON of one value; a result of sqlite's, SQLITE_DONE where there is none.
 */
int cache_read_value(sqlite3 *sql, const char *name, const char *key, size_t len,
                     Buffer *json);

#endif
