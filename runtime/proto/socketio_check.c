/* See socketio_check.h. Each function takes the place where an element starts and returns
 * the one behind it, or NULL. */
#include "proto/socketio_check.h"

#include <string.h>

#include "core/jsonscan.h"

typedef struct Check {
  JsonScan scan;
  int count; /* of attachments; -1: placeholders are objects like others */
  bool unfilled;
} Check;

/* What the members of an object say; the last of a name counts. */
typedef struct Members {
  bool marked, numbered;
  double num;
} Members;

static const char *check_value(Check *c, const char *p);

static bool is_name(const JsonSlice *name, const char *word, size_t len) {
  char plain[6 * 16]; /* every byte of a word may be an escape of six */
  if (!name->escaped) return name->len == len && memcmp(name->text, word, len) == 0;
  return name->len <= sizeof plain && json_unescape(plain, name) == len &&
         memcmp(plain, word, len) == 0;
}

static const char *check_num(Check *c, const char *p, Members *m) {
  JsonNumber number;
  m->numbered = p < c->scan.end && (*p == '-' || (*p >= '0' && *p <= '9'));
  if (!m->numbered) return check_value(c, p);
  if (!(p = json_scan_number(&c->scan, p, false, &number))) return NULL;
  m->num = number.value;
  return p;
}

static const char *check_member(Check *c, const char *p, Members *m) {
  JsonSlice name;
  if (!(p = json_scan_name(&c->scan, p, &name))) return NULL;
  if (is_name(&name, "num", 3)) return check_num(c, p, m);
  if (is_name(&name, "_placeholder", 12)) m->marked = p < c->scan.end && *p == 't';
  return check_value(c, p);
}

static bool has_attachment(const Check *c, const Members *m) {
  int64_t n;
  if (!m->marked || c->count < 0) return true;
  return m->numbered && json_exact_integer(m->num, &n) && n >= 0 && n < c->count;
}

static const char *check_object(Check *c, const char *p) {
  Members m = {0};
  bool more;
  if (!(p = json_open(&c->scan, p, '}', &more))) return NULL;
  while (more) {
    if (!(p = check_member(c, p, &m))) return NULL;
    p = json_more(&c->scan, p, &more);
  }
  if (!(p = json_close(&c->scan, p, '}'))) return NULL;
  c->unfilled = !has_attachment(c, &m);
  return c->unfilled ? NULL : p;
}

static const char *check_array(Check *c, const char *p) {
  bool more;
  if (!(p = json_open(&c->scan, p, ']', &more))) return NULL;
  while (more) {
    if (!(p = check_value(c, p))) return NULL;
    p = json_more(&c->scan, p, &more);
  }
  return json_close(&c->scan, p, ']');
}

static const char *check_value(Check *c, const char *p) {
  JsonSlice string;
  JsonNumber number;
  switch (p < c->scan.end ? *p : '\0') {
  case '"':
    return json_scan_string(&c->scan, p, &string);
  case '{':
    return check_object(c, p);
  case '[':
    return check_array(c, p);
  case 't':
    return json_scan_word(&c->scan, p, "true", 4);
  case 'f':
    return json_scan_word(&c->scan, p, "false", 5);
  case 'n':
    return json_scan_word(&c->scan, p, "null", 4);
  case '-':
  case '0' ... '9':
    return json_scan_number(&c->scan, p, false, &number);
  default:
    return json_fail(&c->scan, p, "not a value");
  }
}

static bool check_text(Check *c, const char *json, size_t len) {
  const char *p = json_scan_start(&c->scan, json, len);
  return (p = check_value(c, p)) && json_scan_end(&c->scan, p);
}

int sio_check_filling(const char *json, size_t len, int count, Error *err) {
  Check c = {.count = count};
  check_text(&c, json, len);
  if (!c.unfilled) return 0;
  return error_set(err, ERR_PROTOCOL,
                   "the server sent a placeholder for an attachment that there is not");
}

int sio_check_json(const char *json, size_t len, Error *err) {
  Check c = {.count = -1};
  if (check_text(&c, json, len)) return 0;
  json_scan_error(&c.scan, json, len, err);
  return (int)err->code;
}
