/* A folder of a test's own, which it works in: files, folders and links are made in it by
 * their relative names. */
#ifndef TIDELOCK_TESTS_FOLDER_ENV_H
#define TIDELOCK_TESTS_FOLDER_ENV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base.h"

static char test_folder[64];

static int open_folder(void **state) {
  (void)state;
  strcpy(test_folder, "/tmp/tidelock-folder-XXXXXX");
  return mkdtemp(test_folder) && chdir(test_folder) == 0 ? 0 : -1;
}

static int close_folder(void **state) {
  (void)state;
  char *command = xasprintf("rm -rf %s", test_folder);
  int rc = chdir("/") == 0 ? system(command) : -1;
  free(command);
  return rc;
}

/* Makes the folders on its way. */
static inline void write_file(const char *path, const char *text) {
  char *part = xstrdup(path);
  for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(part, 0755);
    *slash = '/';
  }
  free(part);
  FILE *file = fopen(path, "w");
  CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static inline void make_link(const char *target, const char *path) {
  CHECK(symlink(target, path) == 0);
}

#define folder_test(f) cmocka_unit_test_setup_teardown(f, open_folder, close_folder)

#endif
