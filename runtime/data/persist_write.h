/* A write of a store: one transaction, on the database's thread. */
#ifndef TIDELOCK_DATA_PERSIST_WRITE_H
#define TIDELOCK_DATA_PERSIST_WRITE_H

#include "data/persist_parts.h"

/* Owns what it points to. */
typedef struct Write {
  DbJob job;
  Persist *persist;
  char *name, *aside;
  char *gone; /* JSON; NULL: as it is stored */
  int64_t version, next_id;
  Op *ops;
  size_t count;
  uint64_t upto;
  Error refused; /* the error of the first row that JSON cannot hold */
} Write;
int write_work(DbJob *job, sqlite3 *sql);

#endif
