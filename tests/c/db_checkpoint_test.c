/* Writing goes on while the disk has not yet answered a checkpoint, and the log is
 * bounded all the same. The disk is a real one, below a layer that holds it up when told
 * to. */
#include <sqlite3.h>

#include "persist_env.h"

#include <uv.h>

/* --- a disk that can be held up -------------------------------------------------------
 */

typedef struct Disk {
  sqlite3_vfs vfs;
  sqlite3_vfs *below;
  sqlite3_io_methods methods;
  int (*sync)(sqlite3_file *, int);
  uv_mutex_t mutex;
  uv_cond_t change;
  bool held, waiting;
} Disk;

static Disk disk;

static int held_sync(sqlite3_file *file, int flags) {
  uv_mutex_lock(&disk.mutex);
  while (disk.held) {
    disk.waiting = true;
    uv_cond_wait(&disk.change, &disk.mutex);
  }
  int (*sync)(sqlite3_file *, int) = disk.sync;
  uv_mutex_unlock(&disk.mutex);
  return sync(file, flags);
}

/* Of the database itself: only a checkpoint waits for that. */
static int held_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *out) {
  (void)vfs;
  int rc = disk.below->xOpen(disk.below, name, file, flags, out);
  if (rc != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB)) return rc;
  uv_mutex_lock(&disk.mutex);
  if (!disk.sync) {
    disk.methods = *file->pMethods;
    disk.sync = disk.methods.xSync;
    disk.methods.xSync = held_sync;
  }
  uv_mutex_unlock(&disk.mutex);
  file->pMethods = &disk.methods;
  return rc;
}

static void make_disk(void) {
  disk.below = sqlite3_vfs_find(NULL);
  disk.vfs = *disk.below;
  disk.vfs.zName = "held";
  disk.vfs.xOpen = held_open;
  assert_int_equal(uv_mutex_init(&disk.mutex), 0);
  assert_int_equal(uv_cond_init(&disk.change), 0);
  assert_int_equal(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}

static void hold(bool held) {
  uv_mutex_lock(&disk.mutex);
  disk.held = held;
  disk.waiting = false;
  uv_cond_broadcast(&disk.change);
  uv_mutex_unlock(&disk.mutex);
}

static bool is_waiting(void) {
  uv_mutex_lock(&disk.mutex);
  bool waiting = disk.waiting;
  uv_mutex_unlock(&disk.mutex);
  return waiting;
}

/* --- jobs -----------------------------------------------------------------------------
 */

typedef struct Job {
  DbJob job;
  bool done;
} Job;

static int work(DbJob *job, sqlite3 *sql) {
  (void)job;
  return sqlite3_exec(sql,
                      "INSERT OR REPLACE INTO store(id, name, version)"
                      " VALUES(1, hex(zeroblob(500000)), coalesce((SELECT version"
                      " FROM store WHERE id=1), 0) + 1)",
                      NULL, NULL, NULL);
}

static void done(DbJob *job) {
  CONTAINER_OF(job, Job, job)->done = true;
}

/* A megabyte of log. */
static void write_one(Env *e) {
  Job j = {.job.work = work, .job.done = done};
  db_push(e->db, &j.job);
  env_until(e, &j.done);
  assert_int_equal(j.job.code, 0);
}

static int64_t log_size(const Env *e) {
  char path[100];
  struct stat st;
  snprintf(path, sizeof path, "%s/state.db-wal", e->folder);
  return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* Writes until a checkpoint is due, and no more before it waits for the disk: with a disk
 * that is slow by itself the log would reach the length at which the writer moves it.
 * Returns how many were written. */
static int64_t write_until_waiting(Env *e) {
  int64_t written = 0;
  for (; log_size(e) < 6000000; written++) write_one(e);
  for (int ms = 0; ms < 100000 && !is_waiting(); ms++) uv_sleep(1);
  assert_true(is_waiting());
  return written;
}

static void writing_does_not_wait_for_a_checkpoint(void **state) {
  Env *e = *state;
  write_one(e);
  hold(true);
  int64_t written = 1 + write_until_waiting(e);
  for (int i = 0; i < 3; i++, written++) write_one(e);
  assert_true(is_waiting());
  hold(false);
  assert_int_equal(env_number(e, "SELECT version FROM store"), written);
}

/* The checkpoint that was held up did not see what was written meanwhile. */
static void a_log_that_was_moved_is_used_again(void **state) {
  Env *e = *state;
  write_one(e);
  hold(true);
  write_until_waiting(e);
  while (log_size(e) < 70000000) write_one(e);
  hold(false);
  for (int i = 0; i < 1000 && log_size(e) >= 70000000; i++) write_one(e);
  assert_in_range(log_size(e), 1, 70000000);
}

static int let_go(void **state) {
  hold(false);
  return env_teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(writing_does_not_wait_for_a_checkpoint, env_setup,
                                      let_go),
      cmocka_unit_test_setup_teardown(a_log_that_was_moved_is_used_again, env_setup,
                                      let_go),
  };
  make_disk();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
