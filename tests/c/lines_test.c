/* Lines from every kind of descriptor: whole, once, in order, and only when asked; and
 * the descriptor stays as it was. */
#include "loop/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net_env.h"

typedef struct Test {
  Env env;
  Lines *lines;
  int ready;
  Buffer got; /* "line|line|" */
  int too_long;
  bool ended;
} Test;

static void on_ready(void *ctx) {
  ((Test *)ctx)->ready++;
}

static int setup(void **state) {
  Test *t = xcalloc(1, sizeof *t);
  env_open(&t->env);
  *state = t;
  return 0;
}

static int teardown(void **state) {
  Test *t = *state;
  if (t->lines) lines_free(t->lines);
  env_close(&t->env);
  buffer_free(&t->got);
  free(t);
  return 0;
}

static void start(Test *t, int fd) {
  t->lines = lines_new(t->env.loop, fd, on_ready, t);
}

/* Takes what there is; whether it ended, or must be waited for. */
static void take(Test *t) {
  const char *line;
  size_t len;
  for (;;) {
    switch (lines_next(t->lines, &line, &len)) {
    case LINES_LINE:
      buffer_put(&t->got, line, len);
      buffer_putc(&t->got, '|');
      break;
    case LINES_TOO_LONG:
      t->too_long++;
      break;
    case LINES_END:
      t->ended = true;
      return;
    case LINES_NONE:
      return;
    }
  }
}

static bool took_end(void *ctx) {
  Test *t = ctx;
  if (!t->ended) take(t);
  return t->ended;
}

static const char *want;
static bool took_want(void *ctx) {
  Test *t = ctx;
  take(t);
  return strcmp(buffer_text(&t->got), want) == 0;
}

static void put(int fd, const char *text) {
  size_t len = strlen(text);
  assert_int_equal(write(fd, text, len), len);
}

static int file_of(const char *text) {
  char path[] = "/tmp/tidelock-lines-XXXXXX";
  int fd = mkstemp(path);
  unlink(path);
  put(fd, text);
  lseek(fd, 0, SEEK_SET);
  return fd;
}

static void pipe_of(int fds[2]) {
  assert_int_equal(pipe(fds), 0);
}

static bool nonblocking(int fd) {
  return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

/* --- what a line is --------------------------------------------------------------- */

static void expect_lines(Test *t, const char *text, const char *lines) {
  int fd = file_of(text);
  start(t, fd);
  assert_true(env_wait(&t->env, took_end, t));
  assert_string_equal(buffer_text(&t->got), lines);
  assert_int_equal(lines_error(t->lines), 0);
  close(fd);
}

static void test_lines(void **state) {
  expect_lines(*state, "a\nb\n", "a|b|");
}

static void test_last_without_end(void **state) {
  expect_lines(*state, "a\n\nlast", "a||last|");
}

static void test_carriage_returns(void **state) {
  expect_lines(*state, "a\r\n\r\nb\rc\r\r\nlast\r", "a||b\rc\r|last|");
}

static void test_empty(void **state) {
  expect_lines(*state, "", "");
}

static void test_invalid_utf8(void **state) {
  expect_lines(*state, "\xff\xfe\n\xc3(\n", "\xff\xfe|\xc3(|");
}

static void test_nul_bytes(void **state) {
  Test *t = *state;
  int fds[2];
  pipe_of(fds);
  assert_int_equal(write(fds[1], "a\0b\n", 4), 4);
  close(fds[1]);
  start(t, fds[0]);
  assert_true(env_wait(&t->env, took_end, t));
  assert_int_equal(t->got.len, 4);
  assert_memory_equal(t->got.data, "a\0b|", 4);
  close(fds[0]);
}

/* Longer than what one read takes, so that line ends fall everywhere. */
static void test_many(void **state) {
  Test *t = *state;
  Buffer text = {0}, lines = {0};
  for (int i = 0; i < 60000; i++) {
    buffer_printf(&text, "%d\r\n", i * 7919);
    buffer_printf(&lines, "%d|", i * 7919);
  }
  expect_lines(t, buffer_text(&text), buffer_text(&lines));
  buffer_free(&text);
  buffer_free(&lines);
}

/* --- lines that are too long ------------------------------------------------------ */

static void fill(Buffer *text, size_t len) {
  memset(buffer_reserve(text, len), 'x', len);
  text->len += len;
}

static void expect_long(Test *t, size_t len, const char *end, bool fits) {
  Buffer text = {0}, lines = {0};
  buffer_puts(&text, "a\n");
  fill(&text, len);
  buffer_puts(&text, end);
  if (*end) buffer_puts(&text, "b\n");
  buffer_puts(&lines, "a|");
  if (fits) {
    fill(&lines, len);
    buffer_putc(&lines, '|');
  }
  if (*end) buffer_puts(&lines, "b|");
  expect_lines(t, buffer_text(&text), buffer_text(&lines));
  assert_int_equal(t->too_long, fits ? 0 : 1);
  buffer_free(&text);
  buffer_free(&lines);
}

static void test_longest(void **state) {
  expect_long(*state, LINES_MAX, "\r\n", true);
}

static void test_longest_at_end(void **state) {
  expect_long(*state, LINES_MAX, "", true);
}

static void test_too_long(void **state) {
  expect_long(*state, LINES_MAX + 1, "\n", false);
}

static void test_too_long_at_end(void **state) {
  expect_long(*state, LINES_MAX + 1, "", false);
}

static void test_far_too_long(void **state) {
  Test *t = *state;
  expect_long(t, (size_t)5 * LINES_MAX, "\n", false);
}

/* --- kinds of descriptors --------------------------------------------------------- */

static void converse(Test *t, int in, int out) {
  start(t, out);
  assert_false(took_end(t));
  put(in, "one\ntw");
  want = "one|";
  assert_true(env_wait(&t->env, took_want, t));
  assert_false(nonblocking(out));
  put(in, "o\n");
  want = "one|two|";
  assert_true(env_wait(&t->env, took_want, t));
  assert_false(nonblocking(out));
}

static void test_pipe(void **state) {
  Test *t = *state;
  int fds[2];
  pipe_of(fds);
  converse(t, fds[1], fds[0]);
  put(fds[1], "rest");
  close(fds[1]);
  assert_true(env_wait(&t->env, took_end, t));
  assert_string_equal(buffer_text(&t->got), "one|two|rest|");
  close(fds[0]);
}

static void test_socket(void **state) {
  Test *t = *state;
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  converse(t, fds[1], fds[0]);
  close(fds[1]);
  assert_true(env_wait(&t->env, took_end, t));
  close(fds[0]);
}

static void test_terminal(void **state) {
  Test *t = *state;
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  assert_true(slave >= 0);
  converse(t, master, slave);
  put(master, "\x04"); /* Ctrl-D */
  assert_true(env_wait(&t->env, took_end, t));
  assert_int_equal(lines_error(t->lines), 0);
  close(master);
  close(slave);
}

static void test_terminal_hangs_up(void **state) {
  Test *t = *state;
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  converse(t, master, slave);
  close(master);
  assert_true(env_wait(&t->env, took_end, t));
  assert_int_equal(lines_error(t->lines), 0);
  close(slave);
}

static void test_already_nonblocking(void **state) {
  Test *t = *state;
  int fds[2];
  pipe_of(fds);
  fcntl(fds[0], F_SETFL, O_NONBLOCK);
  start(t, fds[0]);
  put(fds[1], "one\n");
  want = "one|";
  assert_true(env_wait(&t->env, took_want, t));
  assert_true(nonblocking(fds[0]));
  close(fds[1]);
  assert_true(env_wait(&t->env, took_end, t));
  close(fds[0]);
}

static void test_dev_null(void **state) {
  Test *t = *state;
  int fd = open("/dev/null", O_RDONLY);
  start(t, fd);
  assert_true(env_wait(&t->env, took_end, t));
  assert_int_equal(lines_error(t->lines), 0);
  close(fd);
}

static void test_closed(void **state) {
  Test *t = *state;
  int fd = open("/dev/null", O_RDONLY);
  close(fd);
  start(t, fd);
  assert_true(env_wait(&t->env, took_end, t));
  assert_int_equal(lines_error(t->lines), 0);
}

static void test_directory(void **state) {
  Test *t = *state;
  int fd = open("/tmp", O_RDONLY);
  start(t, fd);
  assert_true(env_wait(&t->env, took_end, t));
  assert_int_equal(lines_error(t->lines), EISDIR);
  close(fd);
}

/* Others go on where we stopped. */
static void test_offset_is_shared(void **state) {
  Test *t = *state;
  int fd = file_of("a\nb\n");
  int shared = dup(fd);
  start(t, shared);
  assert_true(env_wait(&t->env, took_end, t));
  close(shared);
  assert_int_equal(lseek(fd, 0, SEEK_CUR), 4);
  close(fd);
}

/* --- asking ----------------------------------------------------------------------- */

static bool is_ready(void *ctx) {
  return ((Test *)ctx)->ready > 0;
}

static int unread(int fd) {
  int count = -1;
  assert_int_equal(ioctl(fd, FIONREAD, &count), 0);
  return count;
}

static void test_reads_only_when_asked(void **state) {
  Test *t = *state;
  int fds[2];
  const char *line;
  size_t len;
  pipe_of(fds);
  start(t, fds[0]);
  put(fds[1], "one\ntwo\n");
  assert_false(env_wait_for(&t->env, 0.02, is_ready, t));
  assert_int_equal(unread(fds[0]), 8);
  assert_int_equal(lines_next(t->lines, &line, &len), LINES_NONE);
  assert_int_equal(lines_next(t->lines, &line, &len), LINES_NONE);
  assert_true(env_wait(&t->env, is_ready, t));
  assert_int_equal(t->ready, 1);
  put(fds[1], "three\n");
  assert_int_equal(lines_next(t->lines, &line, &len), LINES_LINE);
  assert_int_equal(lines_next(t->lines, &line, &len), LINES_LINE);
  assert_memory_equal(line, "two", len);
  assert_false(env_wait_for(&t->env, 0.02, env_never, NULL));
  assert_int_equal(unread(fds[0]), 6);
  close(fds[0]);
  close(fds[1]);
}

static void test_freed_while_polling(void **state) {
  Test *t = *state;
  int fds[2];
  pipe_of(fds);
  start(t, fds[0]);
  take(t);
  lines_free(t->lines);
  t->lines = NULL;
  put(fds[1], "one\n");
  assert_false(env_wait_for(&t->env, 0.02, is_ready, t));
  close(fds[0]);
  close(fds[1]);
}

static void test_freed_while_reading(void **state) {
  Test *t = *state;
  int fd = file_of("one\n");
  start(t, fd);
  take(t);
  lines_free(t->lines);
  t->lines = NULL;
  assert_false(env_wait_for(&t->env, 0.02, is_ready, t));
  close(fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_lines),
      T(test_last_without_end),
      T(test_carriage_returns),
      T(test_empty),
      T(test_invalid_utf8),
      T(test_nul_bytes),
      T(test_many),
      T(test_longest),
      T(test_longest_at_end),
      T(test_too_long),
      T(test_too_long_at_end),
      T(test_far_too_long),
      T(test_pipe),
      T(test_socket),
      T(test_terminal),
      T(test_terminal_hangs_up),
      T(test_already_nonblocking),
      T(test_dev_null),
      T(test_closed),
      T(test_directory),
      T(test_offset_is_shared),
      T(test_reads_only_when_asked),
      T(test_freed_while_polling),
      T(test_freed_while_reading),
  };
  return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
