/* Whole files set aside and brought back, ended or failing at each call that changes the
 * folder: the calls are this file's own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "data/db_aside.h"
#include "data/db_place.h"
#include "data/profile.h"
#include "persist_env.h"

/* --- calls ------------------------------------------------------------------------ */

static int calls, kill_at, fail_from, fail_to, fail_with;

/* Returns whether it fails. */
static bool count_call(void) {
  calls++;
  if (calls == kill_at) kill(getpid(), SIGKILL);
  if (calls < fail_from || calls > fail_to) return false;
  errno = fail_with;
  return true;
}

int rename(const char *from, const char *to) {
  return count_call() ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path) {
  return count_call() ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int fsync(int fd) {
  return count_call() ? -1 : (int)syscall(SYS_fsync, fd);
}

/* --- a folder --------------------------------------------------------------------- */

static const char aside_name[] = "state.db.broken-1", plan[] = "state.db.plan-";

static char *in(const Env *e, const char *name) {
  return xasprintf("%s/%s", e->folder, name);
}

/* Ends a child as it stands. Another program takes its place, so that a checker of leaks
 * does not take what the child leaves for a fault. */
static void end_child(bool good) {
  execl(good ? "/bin/true" : "/bin/false", "child", (char *)NULL);
  _exit(2);
}

/* In a process that ends without closing it: what is said lies in the -wal alone. */
static void make_database(const Env *e, const char *name, const char *says) {
  pid_t child = fork();
  if (child == 0) {
    sqlite3 *sql;
    char *path = in(e, name), *insert;
    insert = xasprintf("INSERT INTO store VALUES(2, '%s', 1, 1)", says);
    sqlite3_open(path, &sql);
    sqlite3_exec(sql,
                 "PRAGMA journal_mode=WAL; PRAGMA user_version=2;"
                 "CREATE TABLE store(id INTEGER PRIMARY KEY, name TEXT, version INT, next"
                 " INT); CREATE TABLE row(store, parent, place, child, json);"
                 "PRAGMA wal_checkpoint(TRUNCATE)",
                 NULL, NULL, NULL);
    end_child(sqlite3_exec(sql, insert, NULL, NULL, NULL) == SQLITE_OK);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static int setup(void **state) {
  Env *e = xcalloc(1, sizeof *e);
  strcpy(e->folder, "/tmp/tidelock-test-XXXXXX");
  assert_non_null(mkdtemp(e->folder));
  char *look = in(e, "look");
  assert_int_equal(mkdir(look, 0700), 0);
  free(look);
  make_database(e, "made.now", "now");
  make_database(e, "made.before", "before");
  return *state = e, 0;
}

static int teardown(void **state) {
  Env *e = *state;
  char *command = xasprintf("rm -rf '%s'", e->folder);
  kill_at = fail_from = 0;
  fail_to = -1;
  assert_int_equal(system(command), 0);
  free(command);
  free(e);
  return 0;
}

/* False: there is nothing to be copied. */
static bool copy_file(const Env *e, const char *from, const char *to) {
  char *a = in(e, from), *b = in(e, to), bytes[4096];
  int in_fd = open(a, O_RDONLY), out_fd = -1;
  if (in_fd >= 0) out_fd = open(b, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (ssize_t n; out_fd >= 0 && (n = read(in_fd, bytes, sizeof bytes)) > 0;)
    assert_int_equal(write(out_fd, bytes, (size_t)n), n);
  if (out_fd >= 0) close(out_fd);
  if (in_fd >= 0) close(in_fd);
  free(a);
  free(b);
  return in_fd >= 0;
}

static void drop_files(const Env *e, const char *folder, const char *prefix) {
  char *path = in(e, folder);
  DIR *dir = opendir(path);
  for (struct dirent *entry; (entry = readdir(dir));)
    if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
      unlinkat(dirfd(dir), entry->d_name,
               strcmp(entry->d_name, "state.db.broken-d") == 0 ? AT_REMOVEDIR : 0);
  closedir(dir);
  free(path);
}

static void begin_anew(const Env *e) {
  drop_files(e, ".", "state.");
  assert_true(copy_file(e, "made.now", "state.db"));
  assert_true(copy_file(e, "made.now-wal", "state.db-wal"));
  assert_true(copy_file(e, "made.before", aside_name));
  assert_true(copy_file(e, "made.before-wal", "state.db.broken-1-wal"));
}

/* What the database of that name says: static; NULL: there is none. Looks at a copy. */
static const char *says(const Env *e, const char *name) {
  static char out[64];
  Error err;
  size_t count = 0;
  drop_files(e, "look", "state.");
  if (!copy_file(e, name, "look/state.db")) return NULL;
  char *wal = xasprintf("%s-wal", name), *look = in(e, "look");
  copy_file(e, wal, "look/state.db-wal");
  Profile *p = profile_open(look, false, &err);
  if (!p) fail_msg("%s", err.message);
  const ProfileEntry *all = profile_entries(p, &count, &err);
  snprintf(out, sizeof out, "%s", all && count == 1 ? all[0].name : "nothing");
  profile_close(p);
  free(wal);
  free(look);
  return out;
}

static bool is_beside(const char *name) {
  size_t len = strlen(name);
  return len > 4 &&
         (strcmp(name + len - 4, "-wal") == 0 || !strcmp(name + len - 4, "-shm"));
}

/* Returns the name of the database that says so, other than state.db; NULL: none. */
static const char *aside_that_says(const Env *e, const char *what) {
  static char found[256];
  DIR *dir = opendir(e->folder);
  *found = '\0';
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (!aside_is_one(entry->d_name)) continue;
    const char *said = says(e, entry->d_name);
    if (said && strcmp(said, what) == 0) strcpy(found, entry->d_name);
  }
  closedir(dir);
  return *found ? found : NULL;
}

static size_t count_main_files(const Env *e) {
  DIR *dir = opendir(e->folder);
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(dir));)
    count += strncmp(entry->d_name, "state.db", 8) == 0 && !is_beside(entry->d_name);
  closedir(dir);
  return count;
}

/* The whole old state, or the whole new one; no more files than that. Returns which. */
static bool is_restored(const Env *e) {
  Error err;
  char *folder = (char *)e->folder;
  Profile *p = profile_open(folder, false, &err); /* `tidelock data list`, say */
  if (!p) fail_msg("%s", err.message);
  profile_close(p);
  assert_false(aside_pending(folder));
  int lock = place_lock(folder, "", &err);
  assert_true(lock >= 0);
  close(lock);
  const char *now = says(e, "state.db");
  assert_non_null(now);
  bool restored = strcmp(now, "before") == 0;
  if (!restored) assert_string_equal(now, "now");
  assert_non_null(aside_that_says(e, restored ? "now" : "before"));
  assert_int_equal(count_main_files(e), 2);
  return restored;
}

static int restore(const Env *e, Error *err) {
  char *aside = NULL;
  int code = profile_restore_file(e->folder, aside_name, &aside, err);
  free(aside);
  return code;
}

/* --- tests ------------------------------------------------------------------------ */

/* In a child that is killed at the n-th call. Returns whether it came so far. */
static bool killed_at(int n, void (*work)(const Env *e), const Env *e) {
  pid_t child = fork();
  int status;
  if (child == 0) {
    calls = 0;
    kill_at = n;
    work(e);
    end_child(true);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  if (!WIFSIGNALED(status)) assert_int_equal(WEXITSTATUS(status), 0);
  return WIFSIGNALED(status);
}

static void do_restore(const Env *e) {
  Error err;
  if (restore(e, &err) != 0) end_child(false);
}

static void killed_in_a_restore(void **state) {
  Env *e = *state;
  int n = 1;
  bool was = false;
  for (;; n++) {
    begin_anew(e);
    if (!killed_at(n, do_restore, e)) break;
    bool restored = is_restored(e);
    if (was) assert_true(restored); /* from one call on, and for good */
    was = restored;
  }
  assert_true(was);
  assert_true(n > 8);
  assert_true(is_restored(e));
}

static void do_finish(const Env *e) {
  Error err;
  int lock = place_lock(e->folder, "", &err);
  if (lock < 0) end_child(false);
}

/* And so does whoever finishes it, at each of his calls. */
static void killed_while_it_is_finished(void **state) {
  Env *e = *state;
  for (int n = 1;; n++) {
    for (int m = 1;; m++) {
      begin_anew(e);
      if (!killed_at(n, do_restore, e)) return;
      bool again = killed_at(m, do_finish, e);
      is_restored(e);
      if (!again) break;
    }
  }
}

static void do_set_aside(const Env *e) {
  Error err;
  char *aside;
  if (aside_move(e->folder, NULL, &aside, &err) != 0) end_child(false);
}

static void killed_while_a_file_is_set_aside(void **state) {
  Env *e = *state;
  for (int n = 1;; n++) {
    begin_anew(e);
    bool killed = killed_at(n, do_set_aside, e);
    Error err;
    int lock = place_lock(e->folder, "", &err);
    assert_true(lock >= 0);
    close(lock);
    const char *now = says(e, "state.db");
    if (now) assert_string_equal(now, "now");
    else assert_non_null(aside_that_says(e, "now"));
    char *wal = in(e, "state.db-wal");
    assert_int_equal(access(wal, F_OK) == 0, now != NULL);
    free(wal);
    if (killed) continue;
    assert_null(now);
    return;
  }
}

/* One call fails, or it and all behind it, until the next process. */
static void a_call_fails(void **state) {
  static const int whys[] = {EIO, ENOSPC, EROFS, EACCES};
  Env *e = *state;
  for (int n = 1;; n++) {
    bool over = false;
    for (int i = 0; i < 8; i++) {
      Error err;
      begin_anew(e);
      calls = 0;
      fail_from = n;
      fail_to = i < 4 ? n : INT_MAX;
      fail_with = whys[i % 4];
      int code = restore(e, &err);
      over = calls < n;
      fail_from = 0, fail_to = -1;
      bool pending = aside_pending(e->folder), restored = is_restored(e);
      if (code == 0) assert_true(restored);
      else if (pending)
        assert_non_null(strstr(err.message, "finished at the next start"));
      else assert_false(restored);
    }
    if (over) return;
  }
}

/* What is beside a file that was taken away by hand is not mixed into the one that comes.
 */
static void a_wal_that_was_left(void **state) {
  Env *e = *state;
  Error err;
  begin_anew(e);
  char *path = in(e, "state.db");
  assert_int_equal(unlink(path), 0);
  free(path);
  assert_int_equal(restore(e, &err), 0);
  assert_string_equal(says(e, "state.db"), "before");
}

static void only_whole_files(void **state) {
  Env *e = *state;
  static const char *const names[] = {"state.db.broken-1-wal",
                                      "state.db.broken-1-shm",
                                      "state.db.broken-2",
                                      "state.db.broken-d",
                                      "../state.db.broken-1",
                                      "state.db",
                                      "state.lock",
                                      "state.db.broken-/../state.db"};
  begin_anew(e);
  char *folder = in(e, "state.db.broken-d");
  assert_int_equal(mkdir(folder, 0700), 0);
  free(folder);
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    Error err;
    char *aside;
    assert_int_equal(profile_restore_file(e->folder, names[i], &aside, &err),
                     ERR_NOT_FOUND);
    assert_null(aside);
  }
  assert_string_equal(says(e, "state.db"), "now");
}

/* A plan that nobody here wrote moves nothing out of the folder, nor into it. */
static void a_plan_of_a_stranger(void **state) {
  static const char *const texts[] = {"",
                                      "\n",
                                      "x\n",
                                      "../a\n\n",
                                      "\n../../etc/passwd\n",
                                      "/tmp/x\n/tmp/y\n",
                                      "state.db.broken-5\nstate.db.broken-1",
                                      "state.db.broken-5\nstate.db.broken-1\nmore\n"};
  Env *e = *state;
  for (size_t i = 0; i < 2 * COUNT_OF(texts); i++) {
    begin_anew(e);
    char *path = xasprintf("%s/%s%zu", e->folder, plan, i % 2 + 1);
    FILE *file = fopen(path, "w");
    fputs(texts[i / 2], file);
    fclose(file);
    free(path);
    Error err;
    int lock = place_lock(e->folder, "", &err);
    assert_true(lock >= 0);
    close(lock);
    assert_false(aside_pending(e->folder));
    assert_string_equal(says(e, "state.db"), "now");
  }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(killed_in_a_restore),
      T(killed_while_it_is_finished),
      T(killed_while_a_file_is_set_aside),
      T(a_call_fails),
      T(a_wal_that_was_left),
      T(only_whole_files),
      T(a_plan_of_a_stranger),
  };
  return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
