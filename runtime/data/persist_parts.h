/* For the files of persist alone: the tree of branches that mirrors the rows on disk, the
 * operations on rows, a write, a load. */
#ifndef TIDELOCK_DATA_PERSIST_PARTS_H
#define TIDELOCK_DATA_PERSIST_PARTS_H

#include "data/persist.h"

/* The key of a row in its branch: a text, or (key NULL) a rank. */
typedef struct RowKey {
  const char *key; /* borrowed, or owned by the branch that has this row */
  size_t len;
  int64_t rank;
} RowKey;

typedef struct Branch Branch;
typedef struct Source Source;
typedef struct Rows Rows;

/* A branch whose rows were not read. Its lazy value owns it. */
typedef struct Unread Unread;
struct Unread {
  Unread *prev, *next; /* in its source's ring */
  Source *source;
  Value lazy;     /* borrowed */
  Branch *branch; /* NULL: its rows are no longer those of the store */
  int64_t store, id;
  int level; /* how many branches it is below the root */
};

/* The origin of unread branches, with a ring of all of them. */
struct Source {
  ValueLoader loader;
  Unread all; /* the head of the ring */
  Db *db;
  Rows *rows;
  uint64_t read; /* rows, so far */
  /* Called for a branch that cannot be read; `branch` is NULL when it is not mirrored. */
  void (*broken)(Source *source, Branch *branch, const Error *err);
};
void source_init(Source *source, Db *db, Rows *rows);
void source_settle(Source *source); /* reads all that is unread */

/* A container that has a row for each item. */
struct Branch {
  int64_t id;
  RowKey place; /* in the branch above */
  ValueType type;
  Value ranks;       /* of an array: the rank of each item */
  Branch **children; /* items that are branches themselves, by key */
  size_t count, room;
  Unread *unread; /* ranks and children are not known yet; or NULL */
};

typedef enum OpKind {
  OP_PUT,    /* the row at parent and place: an item, or a child with its type */
  OP_DELETE, /* the row there */
  OP_DROP,   /* all rows of parent */
  OP_MOVE,   /* the row there gets `rank`, in the shadow of parent */
  OP_SETTLE, /* what is in the shadow of parent comes back */
  OP_ASIDE   /* all rows of parent and below go to the store that `key` names */
} OpKind;

typedef struct Op {
  OpKind kind;
  int64_t parent, child, rank; /* rank: the new one, for OP_MOVE */
  RowKey place;                /* the key, if any, is owned */
  int level;                   /* how many branches the item is below the root */
  Value item;                  /* owned; lent to the database's thread */
} Op;

struct Rows {
  ValueAccount *account; /* of ranks */
  Branch *root;
  int64_t next_id;
  Op *ops; /* what is to be written, in order */
  size_t count, room;
  Branch
      *done_in; /* the row written last: the diff reports its changes one after another */
  RowKey done_at;
};

/* What nests more deeply than KEEP_HEIGHT is not kept, so that a branch is never higher
 * than its lazy value says. */
enum { ROOT_ID = 0, SPLIT_BYTES = 4096, SPLIT_LEVELS = 8, KEEP_HEIGHT = 240 };
#define RANK_GAP ((int64_t)1 << 32)

void rows_init(Rows *rows);
void rows_free(Rows *rows);
/* Drops the mirror: everything is written anew. */
void rows_forget(Rows *rows);
/* Adds the operations that turn the rows of `key` from `before` into `after`. */
void rows_sync(Rows *rows, const char *key, size_t len, Value before, Value after);
/* Returns new: the operations so far. */
Op *rows_take(Rows *rows, size_t *count);
void ops_free(Op *ops, size_t count);

void rows_set_aside(Rows *rows, Branch *branch, const char *name);
Branch *branch_new(Rows *rows, int64_t id, ValueType type, RowKey place);
void branch_free(Branch *branch);
void branch_add(Branch *branch, Branch *child); /* takes the child */

/* One transaction; owns what it points to. */
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

/* The rows of one branch, read on any thread. */
typedef struct Row {
  int64_t child, rank;
  bool keyed;
  size_t key, key_len, json, json_len; /* in bytes */
} Row;
typedef struct Load {
  DbJob job;
  const char *name; /* of a store, to find its root; borrowed, or NULL */
  int64_t store, parent, version, next_id;
  Row *rows; /* by place */
  size_t count, room;
  Buffer bytes, gone; /* gone: of the initial state, as JSON */
} Load;
int load_work(DbJob *job, sqlite3 *sql);
void load_free(Load *load);

/* An item that is a branch itself, and its row. */
typedef struct Below {
  Value lazy; /* borrowed: one of the items */
  const Row *row;
} Below;

/* Builds the items of a branch in steps, so that the loop is not held up. */
typedef struct Build {
  const Load *load;
  Source *source;
  ValueAccount *account;
  ValueType type;
  int level;                  /* of the branch: 0 is the root */
  const PersistOptions *only; /* its keys; NULL: all */
  JsonArena *arena;
  ValueArrayBuild *items, *ranks; /* of an array */
  Value object;                   /* one of many keys */
  ValueField *fields;             /* one of few */
  size_t at, count;
  Below *below; /* the items that are branches */
  size_t below_count, below_room;
  Error err;
} Build;
void build_begin(Build *build, const Load *load, const Unread *of, ValueAccount *account);
/* Goes on for about `rows` rows. True: all is built, or build->err says why not. */
bool build_step(Build *build, size_t rows);
/* Ends the build: returns new the content, and fills the branch (may be NULL) that
 * mirrors it. Absent when it failed: build->err. */
Value build_end(Build *build, Branch *branch);
void build_drop(Build *build); /* ends it without a result */

#endif
