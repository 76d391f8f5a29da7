/* Between the files of persist: the tree of branches that mirrors what is stored, and the
 * operations on rows that a change comes down to. */
#ifndef TIDELOCK_DATA_PERSIST_PARTS_H
#define TIDELOCK_DATA_PERSIST_PARTS_H

#include "data/persist.h"

/* Where a row stands in its branch: a key, or (key NULL) a rank. */
typedef struct Place {
  const char *key; /* borrowed, or owned by the branch that stands there */
  size_t len;
  int64_t rank;
} Place;

/* A container that has a row for each item. */
typedef struct Branch Branch;
struct Branch {
  int64_t id;
  Place place; /* in the branch above */
  ValueType type;
  Value ranks;       /* of an array: the rank of each item */
  Branch **children; /* items that are branches themselves, by place */
  size_t count, room;
};

typedef enum OpKind {
  OP_PUT,    /* item, or child with its type, at parent and place */
  OP_DELETE, /* the row there */
  OP_DROP,   /* all rows of parent */
  OP_MOVE,   /* the row there gets `rank`, in the shadow of parent */
  OP_SETTLE  /* what is in the shadow of parent comes back */
} OpKind;

typedef struct Op {
  OpKind kind;
  int64_t parent, child, rank; /* rank: the new one, for OP_MOVE */
  Place place;                 /* the key, if any, is owned */
  Value item;                  /* owned; lent to the database's thread */
} Op;

typedef struct Rows {
  ValueAccount *account; /* of ranks */
  Branch *root;
  int64_t next_id;
  Op *ops; /* what is to be written, in order */
  size_t count, room;
  Branch *done_in; /* the row written last: the diff tells all changes of it in a run */
  Place done_at;
} Rows;

enum { ROOT_ID = 0, SPLIT_BYTES = 4096, SPLIT_LEVELS = 8 };
#define RANK_GAP ((int64_t)1 << 32)

void rows_init(Rows *rows);
void rows_free(Rows *rows);
/* Forgets what is stored: all is to be written anew. */
void rows_forget(Rows *rows);
/* Adds the operations that turn what is stored of `key` from before into after. */
void rows_sync(Rows *rows, const char *key, Value before, Value after);
/* The operations so far, to own. */
Op *rows_take(Rows *rows, size_t *count);
void ops_free(Op *ops, size_t count);

Branch *branch_new(Rows *rows, int64_t id, ValueType type, Place place);
void branch_free(Branch *branch);
void branch_add(Branch *branch, Branch *child); /* takes the child */

/* What is stored of a store, read on the database's thread. */
typedef struct Row {
  int64_t parent, child, rank;
  bool keyed;
  size_t key, key_len, json, json_len; /* in bytes */
} Row;
typedef struct Load {
  DbJob job;
  const char *name; /* borrowed */
  int64_t id, version;
  Row *rows; /* by parent and place */
  size_t count, room;
  Buffer bytes;
} Load;
int load_work(DbJob *job, sqlite3 *sql);
/* Builds the branches and *out; false: it is broken, *err says how. */
bool load_build(const Load *load, Rows *rows, const PersistOptions *options,
                ValueAccount *account, Value *out, Error *err);
void load_free(Load *load);

#endif
