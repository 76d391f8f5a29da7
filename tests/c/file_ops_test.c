/* Operations on files below a folder: what they do, and what they refuse. */
#include "folder_env.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "data/file_ops.h"

enum { PLENTY = 1 << 20 };

/* A disk that is full after so many bytes, and what another process appends meanwhile. */
static struct {
  bool on;
  size_t room;
  const char *others;
} disk;

/* In place of the system's. */
ssize_t write(int fd, const void *bytes, size_t len) {
  if (!disk.on) return syscall(SYS_write, fd, bytes, len);
  size_t most = len < disk.room ? len : disk.room;
  disk.room -= most;
  if (most > 0) return syscall(SYS_write, fd, bytes, most);
  if (disk.others) syscall(SYS_write, fd, disk.others, strlen(disk.others));
  errno = ENOSPC;
  return -1;
}

static int root(void) {
  return open(".", O_PATH | O_DIRECTORY);
}

static void assert_reads(int folder, const char *path, const char *bytes, size_t len) {
  Buffer out = {0};
  Error err;
  if (file_read(folder, path, PLENTY, &out, &err) != 0) fail_msg("%s", err.message);
  assert_int_equal(out.len, len);
  assert_memory_equal(out.data ? out.data : "", bytes, len);
  buffer_free(&out);
}

static void written_and_read(void **state) {
  (void)state;
  int folder = root();
  Error err;
  assert_int_equal(file_write(folder, "a", "x\0y", 3, &err), 0);
  assert_reads(folder, "a", "x\0y", 3);
  assert_int_equal(file_append(folder, "a", "\0z", 2, &err), 0);
  assert_reads(folder, "a", "x\0y\0z", 5);
  assert_int_equal(file_write(folder, "a", NULL, 0, &err), 0);
  assert_reads(folder, "a", "", 0);
  assert_int_equal(file_append(folder, "new", "n", 1, &err), 0);
  assert_reads(folder, "new", "n", 1);
  close(folder);
}

static void no_more_is_read_than_allowed(void **state) {
  (void)state;
  int folder = root();
  Error err;
  Buffer out = {0};
  write_file("a", "12345");
  assert_int_equal(file_read(folder, "a", 5, &out, &err), 0);
  assert_int_equal(out.len, 5);
  assert_int_equal(file_read(folder, "a", 4, &out, &err), ERR_TOO_LARGE);
  assert_int_equal(truncate("a", (off_t)1 << 40), 0); /* a hole: no byte of it is read */
  assert_int_equal(file_read(folder, "a", PLENTY, &out, &err), ERR_TOO_LARGE);
  assert_true(out.cap < 4096);
  buffer_free(&out);
  int proc =
      open("/proc/self", O_PATH | O_DIRECTORY); /* its files say that they are empty */
  assert_int_equal(file_read(proc, "status", 10, &out, &err), ERR_TOO_LARGE);
  buffer_clear(&out);
  assert_int_equal(file_read(proc, "status", PLENTY, &out, &err), 0);
  assert_true(out.len > 10);
  buffer_free(&out);
  close(proc);
  close(folder);
}

static int append_to_full(int folder, size_t room, const char *others, const char *text) {
  Error err;
  write_file("log", "old ");
  disk.on = true;
  disk.room = room;
  disk.others = others;
  int rc = file_append(folder, "log", text, strlen(text), &err);
  disk.on = false;
  return rc;
}

static void a_full_disk_takes_nothing_of_others(void **state) {
  (void)state;
  int folder = root();
  assert_int_equal(append_to_full(folder, 3, NULL, "0123456789"), ERR_IO);
  assert_reads(folder, "log", "old ", 4);
  assert_int_equal(append_to_full(folder, 3, "other", "0123456789"), ERR_IO);
  assert_reads(folder, "log", "old 012other", 12);
  assert_int_equal(append_to_full(folder, 0, "other", "0123456789"), ERR_IO);
  assert_reads(folder, "log", "old other", 9);
  close(folder);
}

typedef int Op(int folder, const char *path, Error *err);

static int do_read(int folder, const char *path, Error *err) {
  Buffer out = {0};
  int rc = file_read(folder, path, PLENTY, &out, err);
  buffer_free(&out);
  return rc;
}
static int do_write(int folder, const char *path, Error *err) {
  return file_write(folder, path, "new", 3, err);
}
static int do_append(int folder, const char *path, Error *err) {
  return file_append(folder, path, "new", 3, err);
}

/* Each of them at once: an open of a pipe would wait for its other end. */
static void special_files_are_refused(void **state) {
  (void)state;
  mkfifo("pipe", 0600);
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
  mkdir("folder", 0755);
  Op *const ops[] = {do_read, do_write, do_append};
  int folder = root(), devices = open("/dev", O_PATH | O_DIRECTORY);
  for (size_t i = 0; i < COUNT_OF(ops); i++) {
    Error err;
    assert_int_equal(ops[i](folder, "pipe", &err), ERR_INVALID);
    assert_non_null(strstr(err.message, "no plain file"));
    assert_int_equal(ops[i](folder, "socket", &err), ERR_INVALID);
    assert_int_equal(ops[i](folder, "folder", &err), ERR_INVALID);
    assert_non_null(strstr(err.message, "is a folder"));
    if (i != 1) assert_int_equal(ops[i](devices, "zero", &err), ERR_INVALID);
  }
  close(listener);
  close(devices);
  close(folder);
}

static void nothing_is_written_through_links(void **state) {
  (void)state;
  write_file("in/plain", "old");
  write_file("out", "secret");
  make_link("../out", "in/up");
  make_link("plain", "in/near");
  make_link("nowhere", "in/dangling");
  static const char *const links[] = {"up", "near", "dangling"};
  Op *const ops[] = {do_write, do_append};
  int folder = open("in", O_PATH | O_DIRECTORY), here = root();
  for (size_t i = 0; i < COUNT_OF(links); i++)
    for (size_t j = 0; j < COUNT_OF(ops); j++) {
      Error err;
      assert_int_equal(ops[j](folder, links[i], &err), ERR_DENIED);
    }
  assert_reads(here, "out", "secret", 6);
  assert_reads(here, "in/plain", "old", 3);
  Error err;
  assert_int_equal(access("in/nowhere", F_OK), -1);
  assert_int_equal(file_remove(folder, "up", &err), 0); /* the link itself */
  write_file("in/sub/x", "old");
  make_link("sub", "in/short");
  int rc = file_write(folder, "short/x", "new", 3, &err); /* on the way it is followed */
  assert_true(rc == 0 || rc == ERR_INVALID);              /* an old kernel */
  assert_reads(here, "in/sub/x", rc ? "old" : "new", 3);
  assert_reads(here, "out", "secret", 6);
  close(folder);
  close(here);
}

static void assert_listed(const Buffer *list, FileType type, const char *name) {
  for (size_t at = 0; at < list->len; at += strlen(list->data + at) + 1) {
    FileType found = (FileType)list->data[at++];
    if (strcmp(list->data + at, name) == 0) {
      assert_int_equal(found, type);
      return;
    }
  }
  fail_msg("%s is not listed", name);
}

static void lists_and_looks(void **state) {
  (void)state;
  Buffer list = {0};
  FileInfo info;
  Error err;
  write_file("d/file", "123");
  write_file("d/odd\nname\xff", "");
  mkdir("d/sub", 0755);
  make_link("/etc", "d/link");
  mkfifo("d/pipe", 0600);
  int folder = root();
  assert_int_equal(file_list(folder, "d", PLENTY, &list, &err), 0);
  assert_listed(&list, FILE_PLAIN, "file");
  assert_listed(&list, FILE_PLAIN, "odd\nname\xff");
  assert_listed(&list, FILE_FOLDER, "sub");
  assert_listed(&list, FILE_LINK, "link");
  assert_listed(&list, FILE_OTHER, "pipe");
  size_t bytes = list.len;
  buffer_clear(&list);
  assert_int_equal(file_list(folder, "d", bytes - 1, &list, &err), ERR_TOO_LARGE);
  assert_non_null(strstr(err.message, "bytes of names"));
  buffer_clear(&list);
  assert_int_equal(file_list(folder, "d", bytes, &list, &err), 0);
  buffer_free(&list);
  assert_int_equal(file_list(folder, "d/file", PLENTY, &list, &err), ERR_INVALID);
  assert_int_equal(file_stat(folder, "d/file", &info, &err), 0);
  assert_int_equal(info.type, FILE_PLAIN);
  assert_int_equal(info.size, 3);
  assert_true(info.modified > 1.6e9);
  assert_int_equal(file_stat(folder, "d/pipe", &info, &err), 0);
  assert_int_equal(info.type, FILE_OTHER);
  assert_int_equal(file_stat(folder, "d/link", &info, &err), ERR_DENIED);
  close(folder);
}

static void folders_and_names(void **state) {
  (void)state;
  Error err;
  int folder = root();
  assert_int_equal(file_make_folder(folder, "a/b/c", false, &err), ERR_NOT_FOUND);
  assert_int_equal(file_make_folder(folder, "a/b//c/", true, &err), 0);
  assert_int_equal(file_make_folder(folder, "a/b/c", true, &err), 0);
  assert_int_equal(file_make_folder(folder, "a/b", false, &err), ERR_BUSY);
  assert_int_equal(file_remove(folder, "a", &err), ERR_BUSY);
  assert_int_equal(file_remove(folder, "a/b/c", &err), 0);
  assert_int_equal(file_remove(folder, "a/b/c", &err), ERR_NOT_FOUND);
  write_file("x", "x");
  write_file("y", "y");
  assert_int_equal(file_make_folder(folder, "x/z", true, &err), ERR_INVALID);
  assert_int_equal(file_make_folder(folder, "x", true, &err), ERR_BUSY);
  assert_int_equal(file_rename(folder, "x", "y", &err), 0);
  assert_reads(folder, "y", "x", 1);
  assert_int_equal(file_rename(folder, "x", "y", &err), ERR_NOT_FOUND);
  assert_int_equal(file_rename(folder, "y", "none/y", &err), ERR_NOT_FOUND);
  assert_int_equal(file_rename(folder, "a", "a/b/a", &err), ERR_INVALID);
  assert_int_equal(file_rename(folder, "y", ".", &err), ERR_INVALID);
  assert_int_equal(file_remove(folder, ".", &err), ERR_INVALID);
  close(folder);
}

/* Of a folder alone: in every operation. */
static void names_with_a_slash_at_the_end(void **state) {
  (void)state;
  Error err;
  FileInfo info;
  int folder = root();
  write_file("plain", "kept");
  make_link("plain", "link");
  mkdir("d", 0755);
  make_link("d", "to-d");
  assert_int_equal(file_remove(folder, "plain/", &err), ERR_INVALID);
  assert_int_equal(file_remove(folder, "link/", &err), ERR_INVALID);
  assert_int_equal(file_remove(folder, "to-d/", &err), ERR_INVALID);
  assert_int_equal(file_remove(folder, "none/", &err), ERR_NOT_FOUND);
  assert_int_equal(file_rename(folder, "plain/", "x", &err), ERR_INVALID);
  assert_int_equal(file_rename(folder, "plain", "x//", &err), ERR_INVALID);
  assert_int_equal(file_rename(folder, "link/", "x", &err), ERR_INVALID);
  assert_int_equal(file_stat(folder, "plain/", &info, &err), ERR_INVALID);
  assert_int_equal(do_read(folder, "plain/", &err), ERR_INVALID);
  assert_int_equal(do_write(folder, "plain/", &err), ERR_INVALID);
  assert_int_equal(do_append(folder, "plain/", &err), ERR_INVALID);
  assert_int_equal(do_append(folder, "x/", &err), ERR_INVALID);
  assert_int_equal(access("x", F_OK), -1);
  assert_reads(folder, "plain", "kept", 4);
  assert_int_equal(file_make_folder(folder, "new/", false, &err), 0);
  assert_int_equal(file_rename(folder, "new/", "other//", &err), 0);
  assert_int_equal(file_stat(folder, "other/", &info, &err), 0);
  assert_int_equal(file_remove(folder, "other/", &err), 0);
  assert_int_equal(file_remove(folder, "to-d", &err), 0);
  close(folder);
}

static void no_descriptor_is_left(void **state) {
  (void)state;
  struct rlimit was, none;
  int folder = root();
  Error err;
  write_file("a", "old");
  int next = dup(folder); /* the lowest that is free */
  close(next);
  for (int i = 0; i < 3; i++) {
    do_read(folder, "a", &err), do_write(folder, "a", &err), do_append(folder, "a", &err);
    do_read(folder, "b", &err), do_write(folder, "b/c", &err),
        file_remove(folder, "c", &err);
    file_rename(folder, "a", "x/y", &err), file_make_folder(folder, "p/q", true, &err);
  }
  int again = dup(folder);
  assert_int_equal(again, next);
  close(again);
  getrlimit(RLIMIT_NOFILE, &was);
  none = was;
  none.rlim_cur = (rlim_t)next;
  setrlimit(RLIMIT_NOFILE, &none);
  int read = do_read(folder, "a", &err), write = do_write(folder, "a", &err);
  setrlimit(RLIMIT_NOFILE, &was);
  assert_int_equal(read, ERR_BUSY);
  assert_int_equal(write, ERR_BUSY);
  assert_non_null(strstr(err.message, "ulimit"));
  close(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      folder_test(written_and_read),
      folder_test(no_more_is_read_than_allowed),
      folder_test(a_full_disk_takes_nothing_of_others),
      folder_test(special_files_are_refused),
      folder_test(nothing_is_written_through_links),
      folder_test(lists_and_looks),
      folder_test(folders_and_names),
      folder_test(names_with_a_slash_at_the_end),
      folder_test(no_descriptor_is_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
