/* What a session keeps: read as it was written, whole or not at all, and hostile files
 * are refused. */
#include "folder_env.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/session_file.h"

static bool exposed;

static SessionFile in_place(void) {
  return (SessionFile){
      .folder = xstrdup("sessions"), .name = xstrdup("a.json"), .lock = -1};
}

static void end(SessionFile *file) {
  session_file_unlock(file);
  free(file->folder);
  free(file->name);
}

static void a_pair_is_read(void **state) {
  (void)state;
  Error err;
  SessionRecord r;
  const char *text = "{\"access\":\"a\",\"refresh\":\"r\",\"expires_in\":60,\"who\":1}";
  assert_int_equal(session_record_read(&r, text, strlen(text), "old", &err), 0);
  assert_string_equal(r.access, "a");
  assert_string_equal(r.refresh, "r");
  assert_string_equal(r.pair, text);
  assert_true(r.life == 60);
  session_record_free(&r);
  text = "{\"access\":\"a\"}";
  assert_int_equal(session_record_read(&r, text, strlen(text), "old", &err), 0);
  assert_string_equal(r.refresh, "old");
  assert_true(isinf(r.life));
  session_record_free(&r);
}

static void what_no_header_holds_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"{}",
                                    "[]",
                                    "7",
                                    "{\"access\":\"\"}",
                                    "{\"access\":7}",
                                    "{\"access\":\"a b\"}",
                                    "{\"access\":\"a\\r\\nX: y\"}",
                                    "{\"access\":\"a\\u0000b\"}",
                                    "{\"access\":\"a\",\"refresh\":7}",
                                    "{\"access\":\"a\",\"refresh\":[]}",
                                    "{\"access\":\"a\",\"refresh\":\"r\\r\\nX: y\"}",
                                    "{\"access\":\"a\",\"refresh\":\"\\u0000r\"}",
                                    "{\"access\":\"a"};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    Error err = {0};
    SessionRecord r;
    assert_int_not_equal(session_record_read(&r, bad[i], strlen(bad[i]), "old", &err), 0);
    assert_null(r.access);
    assert_null(r.refresh);
  }
}

static double life_of(const char *field) {
  Error err;
  SessionRecord r;
  char text[200];
  snprintf(text, sizeof text, "{\"access\":\"a\",%s}", field);
  assert_int_equal(session_record_read(&r, text, strlen(text), NULL, &err), 0);
  double life = r.life;
  session_record_free(&r);
  return life;
}

static void a_life_that_is_none_is_not_known(void **state) {
  (void)state;
  static const char *const none[] = {
      "\"expires_in\":0",      "\"expires_in\":-5",     "\"expires_in\":\"soon\"",
      "\"expires_in\":\"\"",   "\"expires_in\":\"-1\"", "\"expires_in\":null",
      "\"expires_at\":1000",   "\"expires_in\":[]",     "\"expires_in\":\"1e3\"",
      "\"expires_at\":-1e308", "\"expires_in\":true",   "\"expires_at\":\"never\""};
  for (size_t i = 0; i < COUNT_OF(none); i++) assert_true(isinf(life_of(none[i])));
  assert_true(life_of("\"expires_in\":1e308") == 1e308);
  assert_true(life_of("\"expires_in\":\"3600\"") == 3600);
  assert_true(life_of("\"expires_in\":60,\"expires_at\":5") == 60);
}

/* What fills the room that is kept is not begun with. */
static void what_is_too_large_is_not_kept(void **state) {
  (void)state;
  Error err;
  SessionRecord r;
  size_t len = 60000;
  char *text = xcalloc(1, len + 100);
  strcpy(text, "{\"access\":\"a\",\"more\":\"");
  memset(text + strlen(text), 'x', len);
  strcat(text, "\"}");
  assert_int_equal(session_record_read(&r, text, strlen(text), "old", &err), 0);
  assert_null(r.pair);
  assert_string_equal(r.access, "a");
  session_record_free(&r);
  memset(text, 0, len + 100);
  strcpy(text, "{\"access\":\"");
  memset(text + strlen(text), 'x', len);
  strcat(text, "\"}");
  assert_int_equal(session_record_read(&r, text, strlen(text), "old", &err), ERR_INVALID);
  free(text);
}

static void names_are_safe(void **state) {
  (void)state;
  char *name = session_file_name("me", "../ann@x", "https://a.org:8443");
  assert_string_equal(name, "me~..%2Fann%40x@https%3A%2F%2Fa.org%3A8443.json");
  free(name);
  char long_origin[400];
  memset(long_origin, 'a', sizeof long_origin);
  long_origin[sizeof long_origin - 1] = '\0';
  assert_null(session_file_name("me", NULL, long_origin));
}

static void what_is_written_is_read(void **state) {
  (void)state;
  Error err;
  struct stat st;
  SessionFile file = in_place();
  SessionRecord r, got;
  const char *text = "{\"access\":\"a\",\"deep\":{\"pair\":{\"x\":\"},\\\"pair\\\":\"}}}";
  assert_int_equal(session_record_read(&r, text, strlen(text), "\"}", &err), 0);
  r.number = 7;
  r.begun = true;
  assert_int_equal(session_file_read(&file, &got, &exposed, &err), 0);
  assert_int_equal(got.number, 0);
  assert_int_equal(session_file_lock(&file, &err), 0);
  assert_int_equal(session_file_reserve(&file, &err), 0);
  assert_int_equal(session_file_write(&file, &r, &err), 0);
  assert_int_equal(stat("sessions/a.json", &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(session_file_read(&file, &got, &exposed, &err), 0);
  assert_int_equal(got.number, 7);
  assert_true(got.begun);
  assert_string_equal(got.access, "a");
  assert_string_equal(got.refresh, "\"}");
  assert_string_equal(got.pair, text);
  session_record_free(&got);
  session_record_free(&r);
  end(&file);
}

static void one_lock_at_a_time(void **state) {
  (void)state;
  Error err;
  SessionFile one = in_place(), other = in_place();
  assert_int_equal(session_file_lock(&one, &err), 0);
  assert_int_equal(session_file_lock(&one, &err), 0);
  assert_int_equal(session_file_lock(&other, &err), ERR_BUSY);
  session_file_unlock(&one);
  assert_int_equal(session_file_lock(&other, &err), 0);
  end(&one);
  end(&other);
}

static void a_hostile_file_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "{",
                                    "[]",
                                    "{\"format\":1}",
                                    "{\"format\":2,\"number\":1,\"access\":\"a\"}",
                                    "{\"format\":1,\"number\":0,\"access\":\"a\"}",
                                    "{\"format\":1,\"number\":9.2e18,\"access\":\"a\"}",
                                    "{\"format\":1,\"number\":1.5,\"access\":\"a\"}",
                                    "{\"format\":1,\"number\":1}",
                                    "{\"format\":1,\"number\":1,\"access\":\"a\\nb\"}",
                                    "{\"format\":1,\"number\":1,\"access\":[]}"};
  mkdir("sessions", 0700);
  SessionFile file = in_place();
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    Error err = {0};
    SessionRecord r;
    write_file("sessions/a.json", bad[i]);
    assert_int_equal(session_file_read(&file, &r, &exposed, &err), ERR_DECODE);
    assert_null(r.access);
  }
  end(&file);
}

/* Its first start of the machine is known, too; what is no id is none. */
static void the_boot_is_kept(void **state) {
  (void)state;
  Error err;
  SessionFile file = in_place();
  SessionRecord r = {.number = 1, .boot = "12ab-34", .boot_time = 7.5}, got;
  r.access = xstrdup("a");
  assert_int_equal(session_file_write(&file, &r, &err), 0);
  assert_int_equal(session_file_read(&file, &got, &exposed, &err), 0);
  assert_string_equal(got.boot, "12ab-34");
  assert_true(got.boot_time == 7.5);
  assert_false(exposed);
  session_record_free(&got);
  session_record_free(&r);
  static const char *const odd[] = {"\\\"x", "0123456789012345678901234567890123456789",
                                    "g", ""};
  for (size_t i = 0; i < COUNT_OF(odd); i++) {
    char text[200];
    snprintf(
        text, sizeof text,
        "{\"format\":1,\"number\":1,\"access\":\"a\",\"boot\":\"%s\",\"boot_time\":1}",
        odd[i]);
    write_file("sessions/a.json", text);
    assert_int_equal(session_file_read(&file, &got, &exposed, &err), 0);
    assert_string_equal(got.boot, "");
    session_record_free(&got);
  }
  end(&file);
}

static void a_file_that_others_could_read_is_closed_to_them(void **state) {
  (void)state;
  Error err;
  struct stat st;
  SessionRecord r;
  SessionFile file = in_place();
  mkdir("sessions", 0700);
  write_file("sessions/a.json", "{\"format\":1,\"number\":1,\"access\":\"a\"}");
  chmod("sessions/a.json", 0644);
  assert_int_equal(session_file_read(&file, &r, &exposed, &err), 0);
  assert_true(exposed);
  assert_int_equal(stat("sessions/a.json", &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  session_record_free(&r);
  end(&file);
}

static void what_is_no_plain_file_is_not_read(void **state) {
  (void)state;
  SessionRecord r;
  SessionFile file = in_place();
  mkdir("sessions", 0700);
  for (int kind = 0; kind < 4; kind++) {
    Error err = {0};
    if (kind == 0) assert_int_equal(mkfifo("sessions/a.json", 0600), 0);
    if (kind == 1) assert_int_equal(mkdir("sessions/a.json", 0700), 0);
    if (kind == 2) assert_int_equal(symlink("/etc/passwd", "sessions/a.json"), 0);
    if (kind == 3) assert_int_equal(symlink("a.json", "sessions/a.json"), 0);
    assert_int_not_equal(session_file_read(&file, &r, &exposed, &err), 0);
    assert_int_not_equal(err.code, ERR_BUSY);
    assert_int_equal(r.number, 0);
    remove("sessions/a.json");
  }
  end(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      folder_test(a_pair_is_read),
      folder_test(what_no_header_holds_is_refused),
      folder_test(names_are_safe),
      folder_test(what_is_written_is_read),
      folder_test(one_lock_at_a_time),
      folder_test(a_hostile_file_is_refused),
      folder_test(a_life_that_is_none_is_not_known),
      folder_test(what_is_too_large_is_not_kept),
      folder_test(the_boot_is_kept),
      folder_test(a_file_that_others_could_read_is_closed_to_them),
      folder_test(what_is_no_plain_file_is_not_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
