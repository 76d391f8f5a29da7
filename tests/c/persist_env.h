/* What the tests of the database and of persistence share: a folder, a loop that runs
 * until something is so. */
#ifndef TIDELOCK_TESTS_PERSIST_ENV_H
#define TIDELOCK_TESTS_PERSIST_ENV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "data/db.h"

typedef struct Env {
  char folder[64];
  Log *log;
  Loop *loop;
  Db *db;
  Timer limit;
} Env;

static inline void env_too_late(Timer *timer) {
  (void)timer;
  fail_msg("it did not happen within 100 seconds");
}

static inline void env_open(Env *e) {
  Error err;
  e->log = log_new(stderr, LOG_OFF, LOG_TEXT);
  e->loop = loop_new(e->log);
  e->limit.fire = env_too_late;
  e->db = db_open(e->loop, &(DbOptions){.folder = e->folder, .retry = 0.01}, &err);
  if (!e->db) fail_msg("%s", err.message);
}

static inline void env_close(Env *e) {
  timer_stop(e->loop, &e->limit);
  if (e->db) db_close(e->db, 0);
  loop_finish(e->loop);
  loop_free(e->loop);
  log_free(e->log);
}

static inline int env_setup(void **state) {
  Env *e = xcalloc(1, sizeof *e);
  strcpy(e->folder, "/tmp/tidelock-test-XXXXXX");
  assert_non_null(mkdtemp(e->folder));
  env_open(e);
  return *state = e, 0;
}

static inline int env_teardown(void **state) {
  Env *e = *state;
  env_close(e);
  char *command = xasprintf("rm -rf '%s'", e->folder);
  assert_int_equal(system(command), 0);
  free(command);
  free(e);
  return 0;
}

static inline void env_reopen(Env *e) {
  env_close(e);
  env_open(e);
}

typedef struct Waiting {
  Loop *loop;
  bool *what;
} Waiting;

static inline void env_look(void *ctx) {
  Waiting *w = ctx;
  if (*w->what) loop_stop(w->loop);
}

/* Runs the loop until *what holds. */
static inline void env_until(Env *e, bool *what) {
  timer_start(e->loop, &e->limit, 100);
  while (!*what) loop_run(e->loop, env_look, &(Waiting){e->loop, what});
  timer_stop(e->loop, &e->limit);
}

/* The one number that a query gives, from a connection of its own. */
static inline int64_t env_number(Env *e, const char *query) {
  char path[100];
  sqlite3 *sql;
  sqlite3_stmt *get;
  snprintf(path, sizeof path, "%s/state.db", e->folder);
  assert_int_equal(sqlite3_open(path, &sql), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(sql, query, -1, &get, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(get), SQLITE_ROW);
  int64_t n = sqlite3_column_int64(get, 0);
  sqlite3_finalize(get);
  sqlite3_close(sql);
  return n;
}

#endif
