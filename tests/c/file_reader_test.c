/* A file that is read piece by piece: whole, from a place on, and one that changes. */
#include "file_env.h"

static FileReader *open_reader(FileEnv *env, const char *path, int code) {
  FileReader *reader = file_reader_open(&env->place, path, file_env_end, env);
  assert_int_equal(file_env_wait(env), code);
  return reader;
}

static int next_piece(FileEnv *env, FileReader *reader) {
  file_reader_next(reader, file_env_piece);
  return file_env_wait(env);
}

static void all_of_it_comes(void **state) {
  (void)state;
  FileEnv env;
  file_env_open(&env);
  char *text = xmalloc(3 * FILE_PIECE);
  memset(text, 'x', 3 * FILE_PIECE);
  text[3 * FILE_PIECE - 100] = '\0';
  write_file("a", text);
  FileReader *reader = open_reader(&env, "a", 0);
  assert_int_equal(file_reader_size(reader), 3 * FILE_PIECE - 100);
  assert_true(charge_used(env.place.charge) >= FILE_PIECE);
  size_t all = 0;
  do {
    assert_int_equal(next_piece(&env, reader), 0);
    all += env.len;
  } while (env.len);
  assert_int_equal(all, 3 * FILE_PIECE - 100);
  file_reader_seek(reader, all - 3); /* again, from there on */
  assert_int_equal(next_piece(&env, reader), 0);
  assert_string_equal(env.text, "xxx");
  file_reader_close(reader);
  free(text);
  file_env_close(&env);
}

static void no_more_and_no_less_than_its_size(void **state) {
  (void)state;
  FileEnv env;
  file_env_open(&env);
  write_file("a", "12345");
  FileReader *reader = open_reader(&env, "a", 0);
  write_file("a", "123456789");
  assert_int_equal(next_piece(&env, reader), 0);
  assert_string_equal(env.text, "12345");
  assert_int_equal(next_piece(&env, reader), 0);
  assert_int_equal(env.len, 0);
  assert_int_equal(truncate("a", 2), 0);
  file_reader_seek(reader, 2);
  assert_int_equal(next_piece(&env, reader), ERR_IO);
  assert_non_null(strstr(env.err.message, "became shorter"));
  file_reader_close(reader);
  file_env_close(&env);
}

static void what_cannot_be_opened(void **state) {
  (void)state;
  FileEnv env;
  file_env_open(&env);
  mkdir("folder", 0755);
  mkfifo("pipe", 0600);
  make_link("/etc/passwd", "link");
  file_reader_close(open_reader(&env, "none", ERR_NOT_FOUND));
  file_reader_close(open_reader(&env, "folder", ERR_INVALID));
  file_reader_close(open_reader(&env, "pipe", ERR_INVALID));
  file_reader_close(open_reader(&env, "link", ERR_DENIED));
  file_env_close(&env);
}

static void never_called(void *ctx, const Error *err) {
  (void)ctx, (void)err;
  fail_msg("it was closed");
}

static void never_got(void *ctx, const char *bytes, size_t len, const Error *err) {
  (void)bytes, (void)len;
  never_called(ctx, err);
}

static void it_may_be_closed_at_any_time(void **state) {
  (void)state;
  FileEnv env;
  file_env_open(&env); /* what libuv opens for good */
  file_env_close(&env);
  int lowest = lowest_descriptor();
  file_env_open(&env);
  write_file("a", "12345");
  file_reader_close(file_reader_open(&env.place, "a", never_called, &env));
  FileReader *reader = open_reader(&env, "a", 0);
  file_reader_next(reader, never_got);
  file_reader_close(reader);
  file_env_close(&env); /* nothing is left open, nothing charged */
  assert_int_equal(lowest_descriptor(), lowest);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      folder_test(all_of_it_comes), folder_test(no_more_and_no_less_than_its_size),
      folder_test(what_cannot_be_opened), folder_test(it_may_be_closed_at_any_time)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
