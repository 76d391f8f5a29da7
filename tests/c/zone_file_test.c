/* The system's time zones: which files are read for a name, and what is said where there
 * are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/zone_file.h"

static void assert_refused(const char *name, ErrorCode code, const char *words) {
  Error err;
  Zone *zone = zone_file_read(name, &err);
  if (zone) fail_msg("took %s", name);
  if (err.code != code || !strstr(err.message, words))
    fail_msg("%s: %s: %s", name, error_name(err.code), err.message);
}

static void assert_offset(const char *name, int64_t at, int offset) {
  Error err;
  Zone *zone = zone_file_read(name, &err);
  if (!zone) fail_msg("%s: %s", name, err.message);
  assert_int_equal(zone_span(zone, at).offset, offset);
  zone_free(zone);
}

static void names_of_the_system(void **state) {
  (void)state;
  unsetenv("TZDIR");
  assert_offset("Europe/Berlin", 1782864000, 7200);
  assert_offset("Etc/GMT+5", 0, -18000);
  assert_offset("America/Argentina/Buenos_Aires", 1700000000, -10800);
  assert_refused("Europe/Nowhere", ERR_NOT_FOUND, "no time zone");
}

static void no_name_leads_out_of_the_folder(void **state) {
  (void)state;
  char folder[] = "/tmp/zones.XXXXXX", path[64];
  assert_non_null(mkdtemp(folder));
  setenv("TZDIR", folder, 1);
  static const char *const names[] = {"../etc/localtime",
                                      "/etc/localtime",
                                      "a/../b",
                                      "./a",
                                      ".",
                                      "..",
                                      "a//b",
                                      "a/",
                                      "",
                                      "a\nb",
                                      "a.b"};
  for (size_t i = 0; i < COUNT_OF(names); i++)
    assert_refused(names[i], ERR_NOT_FOUND, "no time zone");
  snprintf(path, sizeof path, "%s/Pipe", folder); /* it would wait for ever */
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_refused("Pipe", ERR_NOT_FOUND, "no time zone");
  unlink(path);
  snprintf(path, sizeof path, "%s/Text", folder);
  FILE *file = fopen(path, "w");
  fputs("no zone", file);
  fclose(file);
  assert_refused("Text", ERR_NOT_FOUND, "no time zone");
  unlink(path);
  rmdir(folder);
  assert_refused("Europe/Berlin", ERR_NOT_FOUND, "tzdata");
  unsetenv("TZDIR");
}

static void the_local_zone(void **state) {
  (void)state;
  setenv("TZ", "Asia/Kathmandu", 1);
  assert_offset("local", 1700000000, 20700);
  setenv("TZ", ":Asia/Kathmandu", 1);
  assert_offset("local", 1700000000, 20700);
  setenv("TZ", "ABC-3:30", 1);
  assert_offset("local", 1700000000, 12600);
  setenv("TZ", "", 1);
  assert_offset("local", 1700000000, 0);
  setenv("TZ", "/usr/share/zoneinfo/Asia/Kathmandu", 1);
  assert_offset("local", 1700000000, 20700);
  setenv("TZ", "Nowhere", 1);
  assert_refused("local", ERR_NOT_FOUND, "Nowhere");
  unsetenv("TZ");
  Error err;
  Zone *zone = zone_file_read("local", &err);
  assert_non_null(zone);
  zone_free(zone);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names_of_the_system),
                                     cmocka_unit_test(no_name_leads_out_of_the_folder),
                                     cmocka_unit_test(the_local_zone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
