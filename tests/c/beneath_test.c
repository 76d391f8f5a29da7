/* Opening beneath a folder: what leads out of it is refused, by the kernel's way and by
 * the one of older systems. */
#include "folder_env.h"

#include <errno.h>
#include <fcntl.h>

#include "data/beneath.h"

typedef int OpenWay(int folder, const char *path, int flags, mode_t mode);
static OpenWay *const ways[] = {beneath_open, beneath_walk};

static int root(void) {
  return open("in", O_PATH | O_DIRECTORY);
}

static void make_tree(void) {
  write_file("in/a.txt", "a");
  write_file("in/deep/er/b.txt", "b");
  write_file("out/secret", "s");
  make_link("/etc/passwd", "in/absolute");
  make_link("../out/secret", "in/up");
  make_link("../out", "in/outside");
  make_link("/proc/self/root", "in/magic");
  make_link("..", "in/parent");
  make_link("loop", "in/loop");
}

static void what_lies_beneath_is_opened(void **state) {
  (void)state;
  make_tree();
  int folder = root();
  static const char *const paths[] = {
      "a.txt", "./a.txt", "deep/er/b.txt", "deep//er/./b.txt",
      "",      ".",       "deep/",         "deep/er"};
  for (size_t w = 0; w < COUNT_OF(ways); w++)
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
      int fd = ways[w](folder, paths[i], O_RDONLY, 0);
      if (fd < 0) fail_msg("%zu: %s: %s", w, paths[i], strerror(errno));
      assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
      close(fd);
    }
  close(folder);
}

static void what_leads_out_is_refused(void **state) {
  (void)state;
  make_tree();
  int folder = root();
  static const char *const paths[] = {"absolute",
                                      "up",
                                      "outside/secret",
                                      "magic/etc/passwd",
                                      "parent/out/secret",
                                      "parent",
                                      "loop",
                                      "magic",
                                      "deep/er/../../parent/out/secret"};
  static const int flags[] = {O_RDONLY, O_WRONLY, O_WRONLY | O_CREAT, O_PATH};
  for (size_t w = 0; w < COUNT_OF(ways); w++)
    for (size_t i = 0; i < COUNT_OF(paths); i++)
      for (size_t f = 0; f < COUNT_OF(flags); f++) {
        int fd = ways[w](folder, paths[i], flags[f], 0600);
        if (fd >= 0) fail_msg("%zu: %s was opened", w, paths[i]);
        if (errno != EXDEV && errno != ELOOP && errno != ENOTDIR)
          fail_msg("%zu: %s: %s", w, paths[i], strerror(errno));
      }
  close(folder);
}

static void links_within_are_followed_where_the_kernel_sees_to_it(void **state) {
  (void)state;
  make_tree();
  make_link("deep/er", "in/short");
  int folder = root(), fd = beneath_open(folder, "short/b.txt", O_RDONLY, 0);
  if (fd < 0) assert_int_equal(errno, ENOTDIR); /* an old kernel */
  else close(fd);
  assert_int_equal(beneath_walk(folder, "short/b.txt", O_RDONLY, 0), -1);
  assert_int_equal(errno, ENOTDIR);
  close(folder);
}

static void files_are_made_with_their_mode(void **state) {
  (void)state;
  make_tree();
  int folder = root();
  struct stat st;
  for (size_t w = 0; w < COUNT_OF(ways); w++) {
    int fd = ways[w](folder, w ? "x" : "y", O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    close(fd);
  }
  close(folder);
}

/* As the kernel has it, so also where it has no openat2. */
static void a_slash_at_the_end_is_of_a_folder(void **state) {
  (void)state;
  make_tree();
  int folder = root();
  static const struct {
    const char *path;
    int flags, error;
  } cases[] = {{"a.txt/", O_RDONLY, ENOTDIR},
               {"a.txt//", O_WRONLY, ENOTDIR},
               {"a.txt/", O_PATH, ENOTDIR},
               {"deep/er/b.txt/", O_RDONLY, ENOTDIR},
               {"a.txt/./", O_RDONLY, ENOTDIR},
               {"new/", O_WRONLY | O_CREAT, EISDIR},
               {"deep/new//", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, EISDIR},
               {"none/", O_RDONLY, ENOENT},
               {"none/new/", O_WRONLY | O_CREAT, ENOENT}};
  for (size_t w = 0; w < COUNT_OF(ways); w++)
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
      assert_int_equal(ways[w](folder, cases[i].path, cases[i].flags, 0600), -1);
      if (errno != cases[i].error)
        fail_msg("%zu: %s: %s", w, cases[i].path, strerror(errno));
    }
  assert_int_equal(access("in/new", F_OK), -1);
  assert_int_equal(access("in/deep/new", F_OK), -1);
  close(folder);
}

static void sound_paths(void **state) {
  (void)state;
  static const char *const good[] = {"",    ".",   "a",       "a/b", "..a",
                                     "a..", "...", "a/..b/c", " "};
  static const char *const bad[] = {"..", "../a", "a/..",  "a/../b",
                                    "/",  "/a",   "a//..", "a/../"};
  for (size_t i = 0; i < COUNT_OF(good); i++)
    if (!beneath_sound(good[i])) fail_msg("refused: %s", good[i]);
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    if (beneath_sound(bad[i])) fail_msg("taken: %s", bad[i]);
  char *longest = xcalloc(1, 5000);
  memset(longest, 'a', 4999);
  assert_false(beneath_sound(longest));
  free(longest);
}

static void parents(void **state) {
  (void)state;
  make_tree();
  int folder = root();
  char last[BENEATH_NAME];
  static const char *const bad[] = {"",          ".",        "./",     "deep/.",
                                    "nothing/x", "parent/x", "a.txt/x"};
  int fd = beneath_parent(folder, "deep/er/new/", last);
  assert_true(fd >= 0);
  assert_string_equal(last, "new/");
  close(fd);
  fd = beneath_parent(folder, "deep/er/new", last);
  assert_string_equal(last, "new");
  close(fd);
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    assert_int_equal(beneath_parent(folder, bad[i], last), -1);
  char name[300];
  memset(name, 'n', sizeof name - 1);
  name[299] = '\0';
  assert_int_equal(beneath_parent(folder, name, last), -1);
  assert_int_equal(errno, ENAMETOOLONG);
  assert_int_equal(beneath_walk(folder, name, O_RDONLY, 0), -1);
  assert_int_equal(errno, ENAMETOOLONG);
  close(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      folder_test(what_lies_beneath_is_opened),
      folder_test(what_leads_out_is_refused),
      folder_test(links_within_are_followed_where_the_kernel_sees_to_it),
      folder_test(files_are_made_with_their_mode),
      folder_test(a_slash_at_the_end_is_of_a_folder),
      folder_test(sound_paths),
      folder_test(parents),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
