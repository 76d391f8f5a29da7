/* The database of a profile: jobs in order, one process, files of mode 0600, trouble that
 * is told once and passes. */
#include <sqlite3.h>

#include "persist_env.h"

#include <sys/wait.h>

typedef struct Job {
  DbJob job;
  const char *sql;
  bool done;
  int order, *counter;
} Job;

static int work(DbJob *job, sqlite3 *sql) {
  return sqlite3_exec(sql, CONTAINER_OF(job, Job, job)->sql, NULL, NULL, NULL);
}

static void done(DbJob *job) {
  Job *j = CONTAINER_OF(job, Job, job);
  j->done = true;
  if (j->counter) j->order = ++*j->counter;
}

static Job job(const char *sql) {
  return (Job){.job.work = work, .job.done = done, .sql = sql};
}

static void jobs_come_back_in_order(void **state) {
  Env *e = *state;
  Job jobs[20];
  int counter = 0;
  for (int i = 0; i < 20; i++) {
    jobs[i] = job("INSERT INTO store(name, version) VALUES(hex(randomblob(8)), 1)");
    jobs[i].counter = &counter;
    db_push(e->db, &jobs[i].job);
  }
  env_until(e, &jobs[19].done);
  for (int i = 0; i < 20; i++) assert_int_equal(jobs[i].order, i + 1);
  assert_int_equal(env_number(e, "SELECT count(*) FROM store"), 20);
}

static void closing_does_what_is_queued(void **state) {
  Env *e = *state;
  Job jobs[50];
  for (int i = 0; i < 50; i++) {
    jobs[i] = job("INSERT INTO store(name, version) VALUES(hex(randomblob(8)), 1)");
    db_push(e->db, &jobs[i].job);
  }
  env_reopen(e);
  for (int i = 0; i < 50; i++) assert_true(jobs[i].done && jobs[i].job.code == 0);
  assert_int_equal(env_number(e, "SELECT count(*) FROM store"), 50);
}

static mode_t mode_of(Env *e, const char *name) {
  char path[100];
  struct stat st;
  snprintf(path, sizeof path, "%s/%s", e->folder, name);
  assert_int_equal(stat(path, &st), 0);
  return st.st_mode & 0777;
}

static void files_are_private(void **state) {
  Env *e = *state;
  mode_t before = umask(0);
  Job j = job("INSERT INTO store(name, version) VALUES('x', 1)");
  db_push(e->db, &j.job);
  env_until(e, &j.done);
  umask(before);
  static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm",
                                      "state.lock"};
  for (size_t i = 0; i < COUNT_OF(names); i++)
    assert_int_equal(mode_of(e, names[i]), 0600);
}

static void nothing_is_made_before_the_first_job(void **state) {
  Env *e = *state;
  char path[100];
  snprintf(path, sizeof path, "%s/state.db", e->folder);
  assert_int_not_equal(access(path, F_OK), 0);
}

/* Another process: a lock is not in its own way. */
static void a_second_process_is_refused(void **state) {
  Env *e = *state;
  int out[2];
  char said[400] = "", pid[24];
  assert_int_equal(pipe(out), 0);
  pid_t child = fork();
  if (child == 0) {
    Error err = {0};
    Db *db = db_open(e->loop, &(DbOptions){.folder = e->folder}, &err);
    bool written = write(out[1], err.message, strlen(err.message)) > 0;
    _exit(db == NULL && written && err.code == ERR_BUSY ? 0 : 1);
  }
  int status;
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  assert_true(read(out[0], said, sizeof said - 1) > 0);
  snprintf(pid, sizeof pid, "process %d:", (int)getpid());
  assert_non_null(strstr(said, pid));
  assert_non_null(strstr(said, e->folder));
  assert_non_null(strstr(said, "--profile"));
  assert_non_null(strstr(said, "--memory"));
  close(out[0]);
  close(out[1]);
}

typedef struct Watcher {
  DbWatcher watcher;
  int failed, passed;
  bool has_failed, has_passed;
  Error err;
} Watcher;

static void told(DbWatcher *watcher, const Error *err) {
  Watcher *w = CONTAINER_OF(watcher, Watcher, watcher);
  if (err) w->err = *err, w->failed++, w->has_failed = true;
  else w->passed++, w->has_passed = true;
}

static void a_full_disk_is_told_once_and_passes(void **state) {
  Env *e = *state;
  Watcher w = {.watcher.changed = told};
  db_watch(e->db, &w.watcher);
  Job first = job("INSERT INTO store(name, version) VALUES('first', 1)");
  db_push(e->db, &first.job);
  env_until(e, &first.done);
  db_limit_pages(e->db, 6);
  Job large = job("INSERT INTO store(name, version) VALUES(hex(zeroblob(100000)), 1)");
  Job second = job("INSERT INTO store(name, version) VALUES('second', 1)");
  db_push(e->db, &large.job);
  db_push(e->db, &second.job);
  env_until(e, &w.has_failed);
  assert_non_null(strstr(w.err.message, "full"));
  assert_true(db_in_trouble(e->db, NULL));
  Job read = job("SELECT 1"); /* does not wait for what may never come */
  assert_int_equal(db_read(e->db, &read.job), ERR_IO);
  assert_false(large.done || second.done);
  db_limit_pages(e->db, 0);
  env_until(e, &w.has_passed);
  env_until(e, &second.done);
  assert_true(large.done);
  assert_int_equal(w.failed, 1);
  assert_int_equal(w.passed, 1);
  assert_int_equal(env_number(e, "SELECT count(*) FROM store"), 3);
  db_unwatch(e->db, &w.watcher);
}

static void what_is_lost_at_the_end_is_known(void **state) {
  Env *e = *state;
  db_limit_pages(e->db, 1);
  Job j = job("INSERT INTO store(name, version) VALUES('x', 1)");
  db_push(e->db, &j.job);
  env_reopen(e);
  assert_true(j.done);
  assert_int_equal(j.job.code, ERR_IO);
}

static void a_file_that_is_no_database_is_set_aside(void **state) {
  Env *e = *state;
  char path[100];
  snprintf(path, sizeof path, "%s/state.db", e->folder);
  FILE *f = fopen(path, "w");
  for (int i = 0; i < 1000; i++) fputs("this is no database\n", f);
  fclose(f);
  Job read = job("SELECT 1");
  assert_int_equal(db_read(e->db, &read.job), 0);
  const char *name = strstr(read.job.err.message, "set aside as ");
  assert_non_null(name);
  struct stat st;
  assert_int_equal(stat(name + strlen("set aside as "), &st), 0);
  assert_int_equal(st.st_size, 20000);
  Job j = job("INSERT INTO store(name, version) VALUES('x', 1)");
  db_push(e->db, &j.job);
  env_until(e, &j.done);
  assert_int_equal(j.job.code, 0);
}

static void a_newer_format_is_left_alone(void **state) {
  Env *e = *state;
  Job j = job("INSERT INTO store(name, version) VALUES('x', 1)");
  db_push(e->db, &j.job);
  env_until(e, &j.done);
  env_reopen(e);
  char command[200];
  snprintf(command, sizeof command, "%s/state.db", e->folder);
  sqlite3 *sql;
  assert_int_equal(sqlite3_open(command, &sql), SQLITE_OK);
  assert_int_equal(sqlite3_exec(sql, "PRAGMA user_version=99", NULL, NULL, NULL), 0);
  sqlite3_close(sql);
  Job read = job("SELECT 1");
  assert_int_equal(db_read(e->db, &read.job), ERR_IO);
  assert_non_null(strstr(read.job.err.message, "newer version"));
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, env_setup, env_teardown)
  const struct CMUnitTest tests[] = {
      TEST(jobs_come_back_in_order),
      TEST(closing_does_what_is_queued),
      TEST(files_are_private),
      TEST(nothing_is_made_before_the_first_job),
      TEST(a_second_process_is_refused),
      TEST(a_full_disk_is_told_once_and_passes),
      TEST(what_is_lost_at_the_end_is_known),
      TEST(a_file_that_is_no_database_is_set_aside),
      TEST(a_newer_format_is_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
