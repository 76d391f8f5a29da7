/* A file that is written piece by piece: at once, or going on at its end. */
#include "file_env.h"

#include <sys/syscall.h>

#include "data/file_writer.h"

/* The folder that was made durable last, and whether this name was in it by then. */
static struct {
  const char *name;
  ino_t folder;
  bool had_name;
} synced;

/* In place of the system's. */
int fsync(int fd) {
  struct stat st;
  if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
    synced.folder = st.st_ino;
    synced.had_name = synced.name && faccessat(fd, synced.name, F_OK, 0) == 0;
  }
  return (int)syscall(SYS_fsync, fd);
}

static FileWriter *open_writer(FileEnv *env, const char *path, FileWay way, int code) {
  FileWriter *writer = file_writer_open(&env->place, path, way, file_env_end, env);
  assert_int_equal(file_env_wait(env), code);
  return writer;
}

static void put_text(FileEnv *env, FileWriter *writer, const char *text) {
  file_writer_put(writer, text, strlen(text), file_env_end);
  assert_int_equal(file_env_wait(env), 0);
}

static int keep_as(FileEnv *env, FileWriter *writer, const char *as) {
  file_writer_keep(writer, as, file_env_end);
  return file_env_wait(env);
}

static void assert_text(const char *path, const char *text) {
  char read[64] = "";
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  read[fread(read, 1, sizeof read - 1, file)] = '\0';
  fclose(file);
  assert_string_equal(read, text);
}

static void it_takes_the_place_when_it_is_kept(void **state) {
  (void)state;
  FileEnv env;
  file_env_open(&env);
  write_file("a", "old");
  FileWriter *writer = open_writer(&env, "a", FILE_REPLACE, 0);
  put_text(&env, writer, "new ");
  put_text(&env, writer, "text");
  assert_int_equal(file_writer_size(writer), 8);
  assert_text("a", "old");
  assert_int_equal(keep_as(&env, writer, NULL), 0);
  assert_text("a", "new text");
  file_writer_close(writer);
  file_env_close(&env);
  assert_int_equal(count_names(), 1);
}

static void nothing_is_left_of_one_that_is_closed(void **state) {
  (void)state;
  FileEnv env;
  file_env_open(&env);
  write_file("a", "old");
  FileWriter *writer = open_writer(&env, "a", FILE_REPLACE, 0);
  put_text(&env, writer, "half");
  file_writer_clear(writer, file_env_end);
  assert_int_equal(file_env_wait(&env), 0);
  put_text(&env, writer, "x");
  assert_int_equal(file_writer_size(writer), 1);
  file_writer_close(writer);
  file_env_close(&env);
  assert_text("a", "old");
  assert_int_equal(count_names(), 1);
}

static void a_download_goes_on(void **state) {
  (void)state;
  FileEnv env;
  file_env_open(&env);
  FileWriter *writer = open_writer(&env, "a.part", FILE_CONTINUE, 0);
  assert_int_equal(file_writer_size(writer), 0);
  put_text(&env, writer, "half");
  file_writer_close(writer); /* it broke off */
  writer = open_writer(&env, "a.part", FILE_CONTINUE, 0);
  assert_int_equal(file_writer_size(writer), 4);
  put_text(&env, writer, " and half");
  assert_int_equal(keep_as(&env, writer, "a"), 0);
  file_writer_close(writer);
  assert_text("a", "half and half");
  writer = open_writer(&env, "a", FILE_CONTINUE, 0); /* the server has another one */
  file_writer_clear(writer, file_env_end);
  assert_int_equal(file_env_wait(&env), 0);
  put_text(&env, writer, "other");
  assert_int_equal(keep_as(&env, writer, NULL), 0);
  file_writer_close(writer);
  file_env_close(&env);
  assert_text("a", "other");
  assert_int_equal(count_names(), 1);
}

static void keep_and_see_synced(FileEnv *env, FileWay way, const char *as,
                                const char *name, const char *folder) {
  struct stat st;
  synced.folder = 0;
  synced.name = name;
  FileWriter *writer = open_writer(env, "new", way, 0);
  put_text(env, writer, "text");
  assert_int_equal(keep_as(env, writer, as), 0);
  file_writer_close(writer);
  assert_int_equal(stat(folder, &st), 0);
  assert_int_equal(synced.folder, st.st_ino);
  assert_true(synced.had_name);
}

/* The file alone is not enough: a crash would leave it without a name. */
static void the_name_is_durable_too(void **state) {
  (void)state;
  FileEnv env;
  file_env_open(&env);
  mkdir("d", 0755);
  keep_and_see_synced(&env, FILE_REPLACE, NULL, "new", ".");
  keep_and_see_synced(&env, FILE_CONTINUE, NULL, "new", ".");
  keep_and_see_synced(&env, FILE_CONTINUE, "whole", "whole", ".");
  keep_and_see_synced(&env, FILE_CONTINUE, "d/whole", "whole", "d");
  FileWriter *writer = open_writer(&env, "new", FILE_CONTINUE, 0);
  assert_int_equal(keep_as(&env, writer, "none/whole"), ERR_NOT_FOUND);
  file_writer_close(writer);
  file_env_close(&env);
}

static void what_cannot_be_opened(void **state) {
  (void)state;
  FileEnv env;
  file_env_open(&env);
  mkdir("folder", 0755);
  mkfifo("pipe", 0600);
  write_file("plain", "old");
  make_link("plain", "link");
  for (FileWay way = FILE_REPLACE; way <= FILE_CONTINUE; way++) {
    file_writer_close(open_writer(&env, "none/a", way, ERR_NOT_FOUND));
    file_writer_close(open_writer(&env, "folder", way, ERR_INVALID));
    file_writer_close(open_writer(&env, "pipe", way, ERR_INVALID));
    file_writer_close(open_writer(&env, "link", way, ERR_DENIED));
  }
  file_env_close(&env);
  assert_text("plain", "old");
}

static void never_called(void *ctx, const Error *err) {
  (void)ctx, (void)err;
  fail_msg("it was closed");
}

static void it_may_be_closed_at_any_time(void **state) {
  (void)state;
  FileEnv env;
  file_env_open(&env); /* what libuv opens for good */
  file_env_close(&env);
  int lowest = lowest_descriptor();
  file_env_open(&env);
  file_writer_close(file_writer_open(&env.place, "a", FILE_REPLACE, never_called, &env));
  FileWriter *writer = open_writer(&env, "b", FILE_REPLACE, 0);
  file_writer_put(writer, "x", 1, never_called);
  file_writer_close(writer);
  writer = open_writer(&env, "c", FILE_REPLACE, 0);
  file_writer_keep(writer, NULL, never_called);
  file_writer_close(writer);
  file_env_close(&env);
  assert_int_equal(count_names(), 1); /* c: it was being kept */
  assert_int_equal(lowest_descriptor(), lowest);
}

int main(void) {
  const struct CMUnitTest tests[] = {folder_test(it_takes_the_place_when_it_is_kept),
                                     folder_test(nothing_is_left_of_one_that_is_closed),
                                     folder_test(a_download_goes_on),
                                     folder_test(the_name_is_durable_too),
                                     folder_test(what_cannot_be_opened),
                                     folder_test(it_may_be_closed_at_any_time)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
