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
  JsonArena *arena = json_arena_new(NULL);
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

typedef struct Chatter {
  pthread_t thread;
  Log *log;
  char room[2];
} Chatter;

static void *chatter(void *ctx) {
  Chatter *c = ctx;
  for (int i = 0; i < 500; i++)
    log_write(c->log, LOG_INFO, c->room, "%s", "0123456789012345");
  return NULL;
}

static void threads_do_not_mix(void **state) {
  (void)state;
  Capture c;
  begin(&c, LOG_INFO, LOG_TEXT);
  Chatter all[] = {{.room = "a"}, {.room = "b"}, {.room = "c"}};
  for (int i = 0; i < 3; i++) all[i].log = c.log;
  for (int i = 0; i < 3; i++) pthread_create(&all[i].thread, NULL, chatter, &all[i]);
  for (int i = 0; i < 3; i++) pthread_join(all[i].thread, NULL);
  int lines = 0;
  for (char *line = strtok(c.text, "\n"); line; line = strtok(NULL, "\n"), lines++)
    assert_string_equal(after_time(line) + 7, ": 0123456789012345");
  assert_int_equal(lines, 1500);
  end(&c);
}

static int count_lines(const char *text, const char *with) {
  int count = 0;
  for (const char *at = text; (at = strstr(at, with)); at += strlen(with)) count++;
  return count;
}

/* One room that never stops; another is not touched by that. */
static void cuts_off(void **state) {
  (void)state;
  Capture c;
  begin(&c, LOG_INFO, LOG_TEXT);
  for (int i = 0; i < 100000; i++) {
    log_write(c.log, LOG_ERROR, "loud", "record %d", i);
    if (i % 1000 == 0) log_write(c.log, LOG_INFO, "quiet", "here");
  }
  assert_in_range(count_lines(c.text, "loud: record"), 1000, 2000);
  assert_int_equal(count_lines(c.text, "quiet: here"), 100);
  log_settle(c.log);
  const char *told = strstr(c.text, " records dropped");
  assert_non_null(told);
  long dropped = 0;
  for (const char *at = c.text; (told = strstr(at, " records dropped")); at = told + 1) {
    const char *number = told;
    while (number[-1] >= '0' && number[-1] <= '9') number--;
    dropped += atol(number);
  }
  assert_int_equal(dropped + count_lines(c.text, "loud: record"), 100000);
  end(&c);
}

static void cuts_bytes_off(void **state) {
  (void)state;
  Capture c;
  begin(&c, LOG_INFO, LOG_TEXT);
  char *text = malloc(60001);
  memset(text, 'x', 60000);
  text[60000] = 0;
  for (int i = 0; i < 1000; i++) log_write(c.log, LOG_INFO, "loud", "%s", text);
  assert_in_range(c.len, 4 << 20, 6 << 20);
  free(text);
  end(&c);
}

static void cuts_records(void **state) {
  (void)state;
  char *wide = malloc(300001), *fields = malloc(300001);
  for (int i = 0; i < 100000; i++) memcpy(wide + 3 * i, "\xe6\xbc\xa2", 3);
  wide[300000] = 0;
  memset(fields, 'f', 300000);
  memcpy(fields, "{\"k\":\"", 6);
  memcpy(fields + 299998, "\"}", 3);
  char *escapes = calloc(1, 100001);
  memset(escapes, 0x1b, 100000);
  const char *messages[] = {wide, escapes, "short"};
  for (int i = 0; i < 6; i++) {
    Capture c;
    begin(&c, LOG_INFO, i % 2 ? LOG_JSON : LOG_TEXT);
    log_record(c.log, LOG_INFO, "x", messages[i / 2], fields);
    assert_in_range(c.len, 30, 64 << 10);
    if (i < 4) assert_non_null(strstr(c.text, " bytes more)"));
    assert_non_null(strstr(c.text, "300000 bytes"));
    if (i % 2) {
      JsonArena *arena = json_arena_new(NULL);
      Error err;
      assert_non_null(json_parse(arena, c.text, c.len - 1, &err));
      json_arena_free(arena);
    }
    end(&c);
  }
  free(wide);
  free(escapes);
  free(fields);
}

static void keep_text(void *ctx, const char *text, size_t len) {
  buffer_put(ctx, text, len);
}

static size_t count_text(void *ctx) {
  return ((Buffer *)ctx)->len;
}

/* A reader that stands still costs records, not memory. */
static void drops_what_is_unread(void **state) {
  (void)state;
  Log *log = log_new(stderr, LOG_INFO, LOG_TEXT);
  Buffer unread = {0};
  LogSink sink = {keep_text, count_text, &unread};
  log_use_sink(log, &sink);
  char text[30000];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = 0;
  for (int i = 0; i < 10; i++)
    for (int n = 0; n < 100; n++)
      log_write(log, LOG_INFO, (char[]){(char)('a' + i), 0}, "%s", text);
  assert_in_range(unread.len, 4 << 20, (4 << 20) + (64 << 10));
  unread.len = 0;
  log_settle(log);
  assert_non_null(strstr(buffer_text(&unread), " records dropped"));
  log_use_sink(log, NULL);
  log_free(log);
  buffer_free(&unread);
}

static void opens_anew(void **state) {
  (void)state;
  char dir[] = "/tmp/log_test_XXXXXX", path[64], moved[64], line[100];
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/log", dir);
  snprintf(moved, sizeof moved, "%s/log.1", dir);
  Log *log = log_new(stderr, LOG_INFO, LOG_TEXT);
  assert_int_equal(log_reopen(log), 0); /* no file: nothing to do */
  assert_int_equal(log_open_file(log, path), 0);
  log_write(log, LOG_INFO, "x", "before");
  assert_int_equal(rename(path, moved), 0);
  log_write(log, LOG_INFO, "x", "still there");
  assert_int_equal(log_reopen(log), 0);
  log_write(log, LOG_INFO, "x", "after");
  FILE *in = fopen(path, "r");
  assert_non_null(fgets(line, sizeof line, in));
  assert_string_equal(after_time(line), "INFO  x: after\n");
  assert_null(fgets(line, sizeof line, in));
  fclose(in);
  assert_int_equal(rename(dir, "/tmp/log_test_moved"), 0);
  assert_int_equal(log_reopen(log), ENOENT); /* the old one is used on */
  log_write(log, LOG_INFO, "x", "on");
  assert_int_equal(rename("/tmp/log_test_moved", dir), 0);
  in = fopen(path, "r");
  assert_non_null(fgets(line, sizeof line, in));
  assert_non_null(fgets(line, sizeof line, in));
  assert_string_equal(after_time(line), "INFO  x: on\n");
  fclose(in);
  log_free(log);
  unlink(path);
  unlink(moved);
  rmdir(dir);
}

/* After a failure the log goes on elsewhere; asked to, it comes back to its file. */
static void opens_anew_after_a_failure(void **state) {
  (void)state;
  char dir[] = "/tmp/log_test_XXXXXX", path[64], line[100];
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/log", dir);
  assert_int_equal(symlink("/dev/full", path), 0);
  Log *log = log_new(stderr, LOG_INFO, LOG_TEXT);
  assert_int_equal(log_open_file(log, path), 0);
  log_write(log, LOG_INFO, "x", "to standard error");
  assert_int_equal(unlink(path), 0);
  assert_int_equal(log_reopen(log), 0);
  log_write(log, LOG_INFO, "x", "back");
  FILE *in = fopen(path, "r");
  assert_non_null(in);
  assert_non_null(fgets(line, sizeof line, in));
  assert_string_equal(after_time(line), "INFO  x: back\n");
  fclose(in);
  log_free(log);
  unlink(path);
  rmdir(dir);
}

static void holds_until_it_is_known_where(void **state) {
  (void)state;
  char dir[] = "/tmp/tidelock-log-XXXXXX", path[64], line[128];
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/log", dir);
  Capture c;
  begin(&c, LOG_INFO, LOG_TEXT);
  log_hold(c.log);
  log_write(c.log, LOG_INFO, "x", "early");
  fflush(c.out);
  assert_int_equal(c.len, 0);
  log_release(c.log);
  assert_string_equal(after_time(c.text), "INFO  x: early\n");
  size_t first = c.len;
  log_hold(c.log);
  log_write(c.log, LOG_INFO, "x", "to a file");
  assert_int_equal(log_open_file(c.log, path), 0);
  assert_int_equal(c.len, first);
  FILE *in = fopen(path, "r");
  assert_non_null(in);
  assert_non_null(fgets(line, sizeof line, in));
  assert_string_equal(after_time(line), "INFO  x: to a file\n");
  fclose(in);
  end(&c);
  unlink(path);
  rmdir(dir);
}

static void holds_no_more_than_fits(void **state) {
  (void)state;
  Capture c;
  begin(&c, LOG_INFO, LOG_TEXT);
  log_hold(c.log);
  char text[1001] = {0};
  memset(text, 'a', sizeof text - 1);
  size_t written = 0;
  while (c.len == 0 && written < 400) {
    char room[16];
    snprintf(room, sizeof room, "r%zu", written++);
    log_record(c.log, LOG_INFO, room, text, NULL);
  }
  assert_in_range(written, 200, 300);
  log_write(c.log, LOG_INFO, "x", "at once");
  assert_non_null(strstr(c.text, "x: at once\n"));
  end(&c);
}

static void shows_what_it_holds_at_the_end(void **state) {
  (void)state;
  Capture c;
  begin(&c, LOG_INFO, LOG_TEXT);
  log_hold(c.log);
  log_write(c.log, LOG_INFO, "x", "late");
  log_free(c.log);
  c.log = NULL;
  assert_string_equal(after_time(c.text), "INFO  x: late\n");
  end(&c);
}

static void escapes_in_json(void **state) {
  (void)state;
  Capture c;
  begin(&c, LOG_INFO, LOG_JSON);
  log_record(c.log, LOG_INFO, "x", "\x7f \xc2\x9b \xc2\xa0", "{\"k\":\"\x7f\xc2\x80\"}");
  assert_null(strchr(c.text, 0x7f));
  assert_non_null(strstr(c.text, "\\u007f \\u009b \xc2\xa0"));
  assert_non_null(strstr(c.text, "{\"k\":\"\\u007f\\u0080\"}"));
  end(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_text),
      cmocka_unit_test(writes_json),
      cmocka_unit_test(keeps_levels),
      cmocka_unit_test(parses_levels),
      cmocka_unit_test(disarms_hostile_text),
      cmocka_unit_test(opens_a_file),
      cmocka_unit_test(threads_do_not_mix),
      cmocka_unit_test(cuts_off),
      cmocka_unit_test(cuts_bytes_off),
      cmocka_unit_test(cuts_records),
      cmocka_unit_test(drops_what_is_unread),
      cmocka_unit_test(opens_anew),
      cmocka_unit_test(opens_anew_after_a_failure),
      cmocka_unit_test(holds_until_it_is_known_where),
      cmocka_unit_test(holds_no_more_than_fits),
      cmocka_unit_test(shows_what_it_holds_at_the_end),
      cmocka_unit_test(escapes_in_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
