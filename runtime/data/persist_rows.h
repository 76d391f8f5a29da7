/* From differences of values to operations on rows. Loop thread only. */
#ifndef TIDELOCK_DATA_PERSIST_ROWS_H
#define TIDELOCK_DATA_PERSIST_ROWS_H

#include "data/persist_parts.h"

void rows_init(Rows *rows);
void rows_free(Rows *rows);
/* Drops the mirror: everything is written anew. */
void rows_forget(Rows *rows);
/* Adds the operations that turn the rows of `key` from `before` into `after`. */
void rows_sync(Rows *rows, const char *key, size_t len, Value before, Value after);
/* Returns new: the operations so far. */
Op *rows_take(Rows *rows, size_t *count);
void ops_free(Op *ops, size_t count);

void rows_quarantine(Rows *rows, Branch *branch, const char *name);
Branch *branch_new(Rows *rows, int64_t id, ValueType type, RowKey place);
void branch_add(Branch *branch, Branch *child); /* takes the child */

#endif
