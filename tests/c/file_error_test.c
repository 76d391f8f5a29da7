/* What is said of files: a code and one thing to do for each errno, and names that are
 * odd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/file_error.h"

static void each_errno_has_its_words(void **state) {
  (void)state;
  static const struct {
    int error;
    ErrorCode code;
    const char *words;
  } cases[] = {{ENOENT, ERR_NOT_FOUND, "nothing of that name"},
               {EXDEV, ERR_DENIED, "leads out"},
               {ELOOP, ERR_DENIED, "a link"},
               {EISDIR, ERR_INVALID, "is a folder"},
               {ENOTDIR, ERR_INVALID, "should be a folder"},
               {ENAMETOOLONG, ERR_INVALID, "too long"},
               {ENXIO, ERR_INVALID, "no plain file"},
               {EEXIST, ERR_BUSY, "already"},
               {ENOTEMPTY, ERR_BUSY, "not empty"},
               {EMFILE, ERR_BUSY, "ulimit -n"},
               {ENFILE, ERR_BUSY, "too many files"},
               {ENOSPC, ERR_IO, "disk is full"},
               {EDQUOT, ERR_IO, "quota"},
               {EROFS, ERR_IO, "for reading alone"},
               {EACCES, ERR_IO, "chmod"},
               {EPERM, ERR_IO, "chmod"},
               {EIO, ERR_IO, "Input/output error"}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Error err;
    assert_int_equal(file_error(&err, "read", "a/b", cases[i].error), cases[i].code);
    if (!strstr(err.message, cases[i].words) ||
        !strstr(err.message, "cannot read \"a/b\""))
      fail_msg("%s", err.message);
    assert_string_equal(err.detail, strerror(cases[i].error));
  }
}

static void assert_shown(const char *path, const char *expected) {
  char shown[FILE_SHOWN];
  assert_string_equal(file_show(path, shown), expected);
}

static void odd_names_show(void **state) {
  (void)state;
  assert_shown("plain name.txt", "plain name.txt");
  assert_shown("a\nb\x1b[31m", "a\\x0Ab\\x1B[31m");
  assert_shown("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
               "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
  assert_shown("\xff\xc3", "\\xFF\\xC3");
  assert_shown("\xc2\x85", "\\xC2\\x85");
  assert_shown("a\"b", "a\\x22b");
  assert_shown("", "");
  char name[5000], shown[FILE_SHOWN];
  for (int c = 1; c < 256; c++) {
    memset(name, c, sizeof name - 1);
    name[4999] = '\0';
    assert_true(strlen(file_show(name, shown)) < FILE_SHOWN);
    assert_non_null(strstr(shown, "..."));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_errno_has_its_words),
                                     cmocka_unit_test(odd_names_show)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
