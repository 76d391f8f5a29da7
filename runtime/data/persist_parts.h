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

typedef struct Branch Branch;
typedef struct Source Source;
typedef struct Rows Rows;

/* What a lazy value stands for: a branch whose rows were not read. The value owns it. */
typedef struct Unread Unread;
struct Unread {
  Unread *prev, *next; /* in its source's ring */
  Source *source;
  Value lazy;     /* borrowed */
  Branch *branch; /* NULL: its rows are no longer those of the store */
  int64_t store, id;
  int level; /* how many branches it is below the root */
};

/* Where unread branches come from, and what keeps count of them. */
struct Source {
  ValueLoader loader;
  Unread all; /* the head of the ring */
  Db *db;
  Rows *rows;
  uint64_t read; /* rows, so far */
  /* Hears of a branch that cannot be read; its rows were set aside if it is mirrored. */
  void (*broken)(Source *source, Branch *branch, const Error *err);
};
void source_init(Source *source, Db *db, Rows *rows);
void source_settle(Source *source); /* reads what is still held unread */

/* A container that has a row for each item. */
struct Branch {
  int64_t id;
  Place place; /* in the branch above */
  ValueType type;
  Value ranks;       /* of an array: the rank of each item */
  Branch **children; /* items that are branches themselves, by place */
  size_t count, room;
  Unread *unread; /* nothing of the above is known yet */
};

typedef enum OpKind {
  OP_PUT,    /* item, or child with its type, at parent and place */
  OP_DELETE, /* the row there */
  OP_DROP,   /* all rows of parent */
  OP_MOVE,   /* the row there gets `rank`, in the shadow of parent */
  OP_SETTLE, /* what is in the shadow of parent comes back */
  OP_ASIDE   /* all rows of parent and below go to the store that `key` names */
} OpKind;

typedef struct Op {
  OpKind kind;
  int64_t parent, child, rank; /* rank: the new one, for OP_MOVE */
  Place place;                 /* the key, if any, is owned */
  int level;                   /* how many branches the item is below the root */
  Value item;                  /* owned; lent to the database's thread */
} Op;

struct Rows {
  ValueAccount *account; /* of ranks */
  Branch *root;
  int64_t next_id;
  Op *ops; /* what is to be written, in order */
  size_t count, room;
  Branch *done_in; /* the row written last: the diff tells all changes of it in a run */
  Place done_at;
};

/* What nests more deeply than KEEP_HEIGHT is not kept, so that a branch is never higher
 * than its lazy value says. */
enum { ROOT_ID = 0, SPLIT_BYTES = 4096, SPLIT_LEVELS = 8, KEEP_HEIGHT = 240 };
#define RANK_GAP ((int64_t)1 << 32)

void rows_init(Rows *rows);
void rows_free(Rows *rows);
/* Forgets what is stored: all is to be written anew. */
void rows_forget(Rows *rows);
/* Adds the operations that turn what is stored of `key` from before into after. */
void rows_sync(Rows *rows, const char *key, size_t len, Value before, Value after);
/* The operations so far, to own. */
Op *rows_take(Rows *rows, size_t *count);
void ops_free(Op *ops, size_t count);

void rows_set_aside(Rows *rows, Branch *branch, const char *name);
Branch *branch_new(Rows *rows, int64_t id, ValueType type, Place place);
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
  Error refused; /* the first row that could not be told in JSON */
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
  const char *name; /* of a store, to find its root (borrowed), or NULL */
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

/* Building the items of a branch, in as many steps as one likes. What is left for the
 * end is small. */
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
/* True: all is read, or *err says why not. Goes on for about so many rows. */
bool build_step(Build *build, size_t rows);
/* Puts the content together, and the branch (NULL: none) to mirror it. Absent when it
 * failed: build->err. Ends it. */
Value build_end(Build *build, Branch *branch);
void build_drop(Build *build); /* ends it without a result */

#endif
