/* The log: levels, both formats, and what hostile text may not do. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/json.h"
#include "core/log.h"

typedef struct Capture {
  char *text;
  size_t len;
  FILE *out;
  Log *log;
} Capture;

static void begin(Capture *c, LogLevel level, LogFormat format) {
  *c = (Capture){0};
  c->out = open_memstream(&c->text, &c->len);
  c->log = log_new(c->out, level, format);
}

static void end(Capture *c) {
  log_free(c->log);
  fclose(c->out);
  free(c->text);
}

/* A record's first line without its time. */
static const char *after_time(const char *line) {
  assert_int_equal(line[4], '-');
  assert_int_equal(line[23], 'Z');
  return line + 25;
}

static void writes_text(void **state) {
  (void)state;
  Capture c;
  begin(&c, LOG_INFO, LOG_TEXT);
  log_record(c.log, LOG_WARN, "socket", "lost the server", "{\"in\":1.5}");
  assert_string_equal(after_time(c.text), "WARN  socket: lost the server {\"in\":1.5}\n");
  size_t first = c.len;
  log_write(c.log, LOG_INFO, "client", "%d of %s", 3, "four");
  assert_string_equal(after_time(c.text + first), "INFO  client: 3 of four\n");
  end(&c);
}

static void writes_json(void **state) {
  (void)state;
  Capture c;
  begin(&c, LOG_DEBUG, LOG_JSON);
  log_record(c.log, LOG_ERROR, "a\"b", "line\ntwo \xFF\x1b", "{\"n\":1}");
  assert_ptr_equal(strchr(c.text, '\n'), c.text + c.len - 1);
  JsonArena *arena = json_arena_new();
  Error err;
  const cJSON *root = json_parse(arena, c.text, c.len, &err);
  assert_non_null(root);
  assert_string_equal(cJSON_GetObjectItem(root, "level")->valuestring, "error");
  assert_string_equal(cJSON_GetObjectItem(root, "room")->valuestring, "a\"b");
  assert_non_null(strstr(cJSON_GetObjectItem(root, "message")->valuestring, "\\xff"));
  const cJSON *fields = cJSON_GetObjectItem(root, "fields");
  assert_true(cJSON_GetObjectItem(fields, "n")->valuedouble == 1);
  assert_int_equal(strlen(cJSON_GetObjectItem(root, "time")->valuestring), 24);
  json_arena_free(arena);
  end(&c);
}

static void keeps_levels(void **state) {
  (void)state;
  Capture c;
  begin(&c, LOG_WARN, LOG_TEXT);
  log_write(c.log, LOG_INFO, "x", "not %s", "seen");
  log_record(c.log, LOG_DEBUG, "x", "not seen", NULL);
  fflush(c.out);
  assert_int_equal(c.len, 0);
  assert_true(log_enabled(c.log, LOG_WARN) && log_enabled(c.log, LOG_ERROR));
  assert_false(log_enabled(c.log, LOG_INFO) || log_enabled(c.log, LOG_OFF));
  end(&c);
  begin(&c, LOG_OFF, LOG_TEXT);
  log_record(c.log, LOG_ERROR, "x", "not seen", NULL);
  fflush(c.out);
  assert_int_equal(c.len, 0);
  end(&c);
}

static void parses_levels(void **state) {
  (void)state;
  LogLevel level = LOG_DEBUG;
  assert_true(log_level_parse("warn", &level) && level == LOG_WARN);
  assert_true(log_level_parse("off", &level) && level == LOG_OFF);
  assert_true(log_level_parse("debug", &level) && level == LOG_DEBUG);
  assert_false(log_level_parse("loud", &level) || log_level_parse("", &level));
}

static void disarms_hostile_text(void **state) {
  (void)state;
  Capture c;
  begin(&c, LOG_INFO, LOG_TEXT);
  log_record(c.log, LOG_INFO, "net",
             "a\nERROR forged\x1b[2J\r\xC2\x9B"
             "é\x7f",
             NULL);
  assert_string_equal(after_time(c.text),
                      "INFO  net: a\n    ERROR forged\\x1b[2J\\x0d\\x9bé\\x7f\n");
  size_t first = c.len;
  log_record(c.log, LOG_INFO, "net", "\xE9t\xE9", NULL);
  assert_string_equal(after_time(c.text + first), "INFO  net: \\xe9t\\xe9\n");
  end(&c);
}

static void opens_a_file(void **state) {
  (void)state;
  char dir[] = "/tmp/tidelock-log-XXXXXX", path[64], line[128];
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/log", dir);
  for (int i = 0; i < 2; i++) {
    Log *log = log_new(stderr, LOG_INFO, LOG_TEXT);
    assert_int_equal(log_open_file(log, "/nowhere/at/all"), ENOENT);
    assert_int_equal(log_open_file(log, path), 0);
    log_write(log, LOG_INFO, "x", "run %d", i);
    log_free(log);
  }
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  FILE *in = fopen(path, "r");
  assert_non_null(fgets(line, sizeof line, in));
  assert_string_equal(after_time(line), "INFO  x: run 0\n");
  assert_non_null(fgets(line, sizeof line, in));
  assert_string_equal(after_time(line), "INFO  x: run 1\n");
  fclose(in);
  unlink(path);
  rmdir(dir);
}

static void *chatter(void *log) {
  for (int i = 0; i < 500; i++) log_write(log, LOG_INFO, "t", "%s", "0123456789012345");
  return NULL;
}

static void threads_do_not_mix(void **state) {
  (void)state;
  Capture c;
  begin(&c, LOG_INFO, LOG_TEXT);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, chatter, c.log);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  int lines = 0;
  for (char *line = strtok(c.text, "\n"); line; line = strtok(NULL, "\n"), lines++)
    assert_string_equal(after_time(line), "INFO  t: 0123456789012345");
  assert_int_equal(lines, 1500);
  end(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_text),          cmocka_unit_test(writes_json),
      cmocka_unit_test(keeps_levels),         cmocka_unit_test(parses_levels),
      cmocka_unit_test(disarms_hostile_text), cmocka_unit_test(opens_a_file),
      cmocka_unit_test(threads_do_not_mix),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
