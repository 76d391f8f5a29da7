/* For the files of persist alone: the tree of branches that mirrors the rows on disk, and
 * the operations on rows. */
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

#endif
