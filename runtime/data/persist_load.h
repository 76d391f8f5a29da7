/* A load of a store or branch: its rows are read, then built into values. */
#ifndef TIDELOCK_DATA_PERSIST_LOAD_H
#define TIDELOCK_DATA_PERSIST_LOAD_H

#include "data/persist_parts.h"

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
