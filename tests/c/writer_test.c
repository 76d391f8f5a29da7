/* Writers and what cleans for a terminal. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clean.h"
#include "loop/writer.h"

static char *read_all(int fd, size_t want) {
  char *text = calloc(want + 1, 1);
  for (size_t have = 0; have < want;) {
    ssize_t n = read(fd, text + have, want - have);
    assert_true(n > 0);
    have += (size_t)n;
  }
  return text;
}

static void keeps_order_and_accounts(void **state) {
  (void)state;
  enum { COUNT = 20000, LINE = 16 };
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  Writer *w = writer_new(ends[1]);
  WriterAccount one = {0}, two = {0};
  for (int i = 0; i < COUNT; i++) {
    char line[LINE + 1];
    snprintf(line, sizeof line, "%015d\n", i);
    writer_put(w, i % 3 ? &one : &two, line, LINE);
  }
  size_t left = writer_left(w);
  assert_true(left >= COUNT * LINE - (1 << 17)); /* what the pipe has room for */
  assert_false(writer_wait(w, 0.02));
  assert_true(writer_queued(&one) > 0 && writer_queued(&two) > 0);
  char *text = read_all(ends[0], COUNT * LINE);
  for (int i = 0; i < COUNT; i++) assert_int_equal(atoi(text + i * LINE), i);
  assert_true(writer_wait(w, 5));
  assert_int_equal(writer_queued(&one), 0);
  assert_int_equal(writer_queued(&two), 0);
  free(text);
  writer_free(w);
  close(ends[0]);
  close(ends[1]);
}

static void ends_inside_a_write(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  Writer *w = writer_new(ends[1]);
  WriterAccount account = {0};
  char *much = calloc(1, 1 << 20);
  writer_put(w, &account, much, 1 << 20);
  assert_false(writer_wait(w, 0.05));
  writer_forget(w, &account);
  writer_free(w); /* nobody ever reads it */
  free(much);
  close(ends[0]);
  close(ends[1]);
}

static void count_telling(void *ctx) {
  __atomic_add_fetch((int *)ctx, 1, __ATOMIC_SEQ_CST);
}

/* The thread tells after it has settled what it wrote: a moment later on a busy machine.
 */
static void await_telling(int *told, int count) {
  struct timespec a_moment = {.tv_nsec = 1000000};
  for (int i = 0; i < 5000 && __atomic_load_n(told, __ATOMIC_SEQ_CST) < count; i++)
    nanosleep(&a_moment, NULL);
}

static void tells(void **state) {
  (void)state;
  int ends[2], told = 0;
  assert_int_equal(pipe(ends), 0);
  Writer *w = writer_new(ends[1]);
  WriterAccount account = {0};
  writer_listen(w, count_telling, &told);
  assert_false(writer_notify_fewer(w, &account)); /* none waits */
  char *much = calloc(1, 1 << 20);
  writer_put(w, &account, much, 1 << 20);
  assert_false(writer_wait(w, 0.05));
  __atomic_store_n(&told, 0, __ATOMIC_SEQ_CST);
  assert_true(writer_notify_fewer(w, &account));
  free(read_all(ends[0], 1 << 20));
  assert_true(writer_wait(w, 5));
  await_telling(&told, 1);
  writer_listen(w, NULL, NULL);
  assert_int_equal(told, 1); /* once, though it was written in pieces */
  writer_listen(w, count_telling, &told);
  close(ends[0]);
  writer_put(w, &account, much, 100); /* EPIPE */
  assert_true(writer_wait(w, 5));
  await_telling(&told, 2);
  writer_listen(w, NULL, NULL);
  assert_int_equal(told, 2);
  assert_int_equal(writer_error(w), EPIPE);
  writer_put(w, &account, much, 1 << 20);
  assert_int_equal(writer_left(w), 0); /* dropped */
  free(much);
  writer_free(w);
  close(ends[1]);
}

/* In one piece, in pieces of one byte, and of three. */
static void assert_cleaned(const char *text, size_t len, const char *want) {
  for (size_t step = 1; step <= len + 3; step += 2) {
    Buffer out = {0};
    Cleaner c = {0};
    for (size_t at = 0; at < len; at += step)
      clean_text(&c, text + at, len - at < step ? len - at : step, &out);
    assert_string_equal(buffer_text(&out), want);
    buffer_free(&out);
  }
}

#define CLEANED(text, want) assert_cleaned(text, sizeof(text) - 1, want)

static void cleans(void **state) {
  (void)state;
  CLEANED("plain\ttext\n", "plain\ttext\n");
  CLEANED("a\x1b[31mb\a\b\v\f\0\x7f.", "a?[31mb??????.");
  CLEANED("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0.", "\xc2?\xc2?\xc2?\xc2\xa0.");
  CLEANED("\x80\x9b\xbf\xff\xfe\xc0\x9b\xc1\xbf\xf5\x80.", "???????????.");
  CLEANED("\xe0\x80\x9b\xf0\x80\x80\x9b.", "\xe0??\xf0???.");
  CLEANED("\xed\xa0\x80\xf4\x90\x80\x80.", "\xed??\xf4???.");
  CLEANED("\xe6\xbc\xa2\xf0\x9f\x98\x80\xc3\xa9.",
          "\xe6\xbc\xa2\xf0\x9f\x98\x80\xc3\xa9.");
  CLEANED("\xe6\x1b\xbc\xa2.", "\xe6???.");
  CLEANED("dos\r\nover\rx\r\r\n.", "dos\r\nover?x?\r\n.");
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_order_and_accounts),
                                     cmocka_unit_test(ends_inside_a_write),
                                     cmocka_unit_test(tells), cmocka_unit_test(cleans)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
