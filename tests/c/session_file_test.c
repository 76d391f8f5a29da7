/* What a session keeps: read as it was written, whole or not at all, and hostile files
 * are refused. */
#include "folder_env.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/session_file.h"

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
                                    "{\"access\":\"a"};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    Error err = {0};
    SessionRecord r;
    assert_int_not_equal(session_record_read(&r, bad[i], strlen(bad[i]), "old", &err), 0);
    assert_null(r.access);
    assert_null(r.refresh);
  }
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
  assert_int_equal(session_file_read(&file, &got, &err), 0);
  assert_int_equal(got.number, 0);
  assert_int_equal(session_file_lock(&file, &err), 0);
  assert_int_equal(session_file_reserve(&file, &err), 0);
  assert_int_equal(session_file_write(&file, &r, &err), 0);
  assert_int_equal(stat("sessions/a.json", &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(session_file_read(&file, &got, &err), 0);
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
    assert_int_equal(session_file_read(&file, &r, &err), ERR_DECODE);
    assert_null(r.access);
  }
  end(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      folder_test(a_pair_is_read),     folder_test(what_no_header_holds_is_refused),
      folder_test(names_are_safe),     folder_test(what_is_written_is_read),
      folder_test(one_lock_at_a_time), folder_test(a_hostile_file_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
