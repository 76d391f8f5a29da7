/* Writing aside: the old file stays until the new one is whole, and nothing else is left.
 */
#include "folder_env.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "data/file_aside.h"

static int refuse_rights; /* the error; 0: they are set */

/* In place of the system's. */
int fchmod(int fd, mode_t mode) {
  if (!refuse_rights) return (int)syscall(SYS_fchmod, fd, mode);
  errno = refuse_rights;
  return -1;
}

static int root(void) {
  return open(".", O_PATH | O_DIRECTORY);
}

static int count_names(void) {
  int count = 0;
  DIR *dir = opendir(".");
  while (readdir(dir)) count++;
  closedir(dir);
  return count - 2;
}

static void assert_text(const char *path, const char *text) {
  char read[64] = "";
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  read[fread(read, 1, sizeof read - 1, file)] = '\0';
  fclose(file);
  assert_string_equal(read, text);
}

static void takes_the_place_of_the_old_one(void **state) {
  (void)state;
  write_file("a", "old");
  chmod("a", 0640);
  int folder = root();
  FileAside aside;
  struct stat st;
  assert_int_equal(file_aside_open(&aside, folder, "a"), 0);
  assert_int_equal(file_put(aside.fd, "new text", 8), 8);
  assert_text("a", "old");
  assert_int_equal(file_aside_keep(&aside), 0);
  assert_text("a", "new text");
  assert_int_equal(stat("a", &st), 0);
  assert_int_equal(st.st_mode & 0777, 0640); /* as it was */
  assert_int_equal(count_names(), 1);
  file_aside_drop(&aside); /* harmless */
  close(folder);
}

/* As on vfat and some network shares. */
static void a_disk_without_rights_is_written(void **state) {
  (void)state;
  static const int none[] = {EPERM, EOPNOTSUPP, ENOSYS};
  int folder = root();
  FileAside aside;
  for (size_t i = 0; i < COUNT_OF(none); i++) {
    write_file("a", "old");
    refuse_rights = none[i];
    int rc = file_aside_open(&aside, folder, "a");
    refuse_rights = 0;
    assert_int_equal(rc, 0);
    assert_int_equal(file_put(aside.fd, "new", 3), 3);
    assert_int_equal(file_aside_keep(&aside), 0);
    assert_text("a", "new");
  }
  refuse_rights = EIO;
  int rc = file_aside_open(&aside, folder, "a");
  int error = errno;
  refuse_rights = 0;
  assert_int_equal(rc, -1);
  assert_int_equal(error, EIO);
  assert_text("a", "new");
  close(folder);
}

static void one_that_is_given_up_leaves_nothing(void **state) {
  (void)state;
  write_file("a", "old");
  int folder = root();
  FileAside aside;
  assert_int_equal(file_aside_open(&aside, folder, "a"), 0);
  file_put(aside.fd, "half", 4);
  file_aside_drop(&aside);
  assert_text("a", "old");
  assert_int_equal(file_aside_open(&aside, folder, "b"), 0);
  file_aside_drop(&aside);
  assert_int_equal(count_names(), 1);
  close(folder);
}

static void what_is_no_plain_file_is_refused(void **state) {
  (void)state;
  write_file("a", "old");
  make_link("a", "link");
  mkdir("folder", 0755);
  mkfifo("pipe", 0600);
  static const struct {
    const char *path;
    int error;
  } cases[] = {{"link", ELOOP},  {"folder", EISDIR}, {"pipe", ENXIO}, {".", EINVAL},
               {"new/", EISDIR}, {"none/x", ENOENT}, {"a/x", ENOTDIR}};
  int folder = root();
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    FileAside aside;
    assert_int_equal(file_aside_open(&aside, folder, cases[i].path), -1);
    if (errno != cases[i].error) fail_msg("%s: %s", cases[i].path, strerror(errno));
  }
  assert_int_equal(count_names(), 4);
  close(folder);
}

/* What takes its place meanwhile is replaced as a name, never written through. */
static void a_link_that_comes_meanwhile_is_replaced(void **state) {
  (void)state;
  write_file("target", "untouched");
  int folder = root();
  FileAside aside;
  assert_int_equal(file_aside_open(&aside, folder, "a"), 0);
  make_link("target", "a");
  file_put(aside.fd, "new", 3);
  assert_int_equal(file_aside_keep(&aside), 0);
  assert_text("target", "untouched");
  assert_text("a", "new");
  close(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      folder_test(takes_the_place_of_the_old_one),
      folder_test(a_disk_without_rights_is_written),
      folder_test(one_that_is_given_up_leaves_nothing),
      folder_test(what_is_no_plain_file_is_refused),
      folder_test(a_link_that_comes_meanwhile_is_replaced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
