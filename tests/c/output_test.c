/* Standard output and standard error as writers: on pipes, and on one file together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/output.h"

static int kept[2], out_pipe[2], err_pipe[2];

/* Puts pipes in the place of descriptors 1 and 2; both the same, if `one`. */
static Output *open_output(bool one) {
  kept[0] = dup(1);
  kept[1] = dup(2);
  assert_int_equal(pipe(out_pipe), 0);
  assert_int_equal(pipe(err_pipe), 0);
  dup2(out_pipe[1], 1);
  dup2(one ? out_pipe[1] : err_pipe[1], 2);
  return output_new();
}

/* Takes the output; what was written is in out and err. */
static void close_output(Output *o, char *out, char *err, size_t room) {
  bool all = output_wait(o, 10);
  output_free(o);
  dup2(kept[0], 1);
  dup2(kept[1], 2);
  close(kept[0]);
  close(kept[1]);
  close(out_pipe[1]);
  close(err_pipe[1]);
  ssize_t n = read(out_pipe[0], out, room - 1), m = read(err_pipe[0], err, room - 1);
  out[n > 0 ? n : 0] = err[m > 0 ? m : 0] = '\0';
  close(out_pipe[0]);
  close(err_pipe[0]);
  assert_true(all);
}

static void print(Output *o, int fd, OutputAccount *account, const char *text) {
  output_print(o, fd, account, text, strlen(text));
}

static void each_goes_to_its_descriptor_unchanged(void **state) {
  (void)state;
  char out[64], err[64];
  OutputAccount account = {0};
  Output *o = open_output(false);
  print(o, 1, &account, "\x1b[1mbold\xff\n"); /* no terminal: nothing is cleaned */
  print(o, 2, &account, "said\n");
  output_say("%s", "last");
  close_output(o, out, err, sizeof out);
  assert_string_equal(out, "\x1b[1mbold\xff\n");
  assert_non_null(strstr(err, "said\n"));
  assert_non_null(strstr(err, "last\n"));
  assert_int_equal(output_queued(&account), 0);
}

static void in_one_file_all_stays_in_order(void **state) {
  (void)state;
  char out[64], err[64];
  OutputAccount account = {0};
  Output *o = open_output(true);
  LogSink log = output_log_sink(o);
  for (int i = 0; i < 8; i++) {
    print(o, 1, &account, "a");
    print(o, 2, &account, "b");
    log.put(log.ctx, "c", 1);
  }
  close_output(o, out, err, sizeof out);
  assert_string_equal(out, "abcabcabcabcabcabcabcabc");
}

static void a_line_that_is_open_is_ended(void **state) {
  (void)state;
  char out[64], err[64];
  OutputAccount account = {0};
  Output *o = open_output(false);
  output_end_line(o, &account); /* nothing was printed */
  print(o, 1, &account, "one");
  print(o, 2, &account, "other\n"); /* of the other stream */
  print(o, 1, &account, "");
  output_end_line(o, &account);
  output_end_line(o, &account);
  close_output(o, out, err, sizeof out);
  assert_string_equal(out, "one\n");
}

static void what_is_not_read_is_counted_for_its_account(void **state) {
  (void)state;
  enum { MUCH = 1 << 20 };
  static char much[MUCH];
  char err[8];
  memset(much, 'x', MUCH);
  OutputAccount account = {0}, other = {0};
  Output *o = open_output(false);
  output_print(o, 1, &account, much, MUCH);
  size_t queued = output_queued(&account), of_other = output_queued(&other);
  size_t left = output_left(o);
  bool done = output_wait(o, 0.01);
  char *read_in = malloc(MUCH);
  for (size_t have = 0; have < MUCH;) {
    ssize_t n = read(out_pipe[0], read_in + have, MUCH - have);
    have += n > 0 ? (size_t)n : 0;
  }
  free(read_in);
  char out[8];
  close_output(o, out, err, sizeof err);
  assert_true(queued > MUCH / 2);
  assert_int_equal(of_other, 0);
  assert_true(left > MUCH / 2);
  assert_false(done);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_goes_to_its_descriptor_unchanged),
      cmocka_unit_test(in_one_file_all_stays_in_order),
      cmocka_unit_test(a_line_that_is_open_is_ended),
      cmocka_unit_test(what_is_not_read_is_counted_for_its_account),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
