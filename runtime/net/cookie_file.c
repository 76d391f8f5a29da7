/* See cookie_file.h. */
#include "net/cookie_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char http_only[] = "#HttpOnly_";
enum { FIELDS = 7 };

static void write_line(const CookieView *c, Buffer *out) {
  buffer_printf(out, "%s%s\t%s\t%s\t%s\t%.0f\t%.*s\t%s\n", c->http_only ? http_only : "",
                c->domain, c->host_only ? "FALSE" : "TRUE", c->path,
                c->secure ? "TRUE" : "FALSE", floor(c->until), (int)c->name_len, c->pair,
                c->pair + c->name_len + 1);
}

void cookie_file_write(Cookies *cookies, Buffer *out, double now) {
  cookies_sort(cookies, now);
  for (size_t i = 0; i < cookies_count(cookies); i++) {
    CookieView view = cookies_at(cookies, i);
    if (!isinf(view.until)) write_line(&view, out);
  }
}

/* Takes the line apart where its tabs are. */
static bool split_line(char *line, char *fields[FIELDS]) {
  for (int i = 0; i < FIELDS; i++) {
    fields[i] = line;
    char *tab = strchr(line, '\t');
    if ((tab == NULL) != (i == FIELDS - 1)) return false;
    if (!tab) break;
    *tab = '\0';
    line = tab + 1;
  }
  return true;
}

static bool read_flag(const char *text, bool *flag) {
  *flag = strcmp(text, "TRUE") == 0;
  return *flag || strcmp(text, "FALSE") == 0;
}

static bool is_clean(const char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == 127) return false;
  return true;
}

/* A line without its end. */
static bool read_line(Cookies *cookies, char *line, double now) {
  char *fields[FIELDS], *end;
  CookieView view = {0};
  bool below;
  if (!split_line(line, fields) || !read_flag(fields[1], &below) ||
      !read_flag(fields[3], &view.secure) || *fields[4] < '0' || *fields[4] > '9')
    return false;
  for (int i = 0; i < FIELDS; i++)
    if (!is_clean(fields[i])) return false;
  view.until = strtod(fields[4], &end);
  view.http_only = strncmp(fields[0], http_only, strlen(http_only)) == 0;
  view.domain = fields[0] + (view.http_only ? strlen(http_only) : 0);
  view.path = fields[2];
  view.host_only = !below;
  view.name_len = strlen(fields[5]);
  char *pair = xasprintf("%s=%s", fields[5], fields[6]);
  view.pair = pair;
  bool fine = !*end && cookies_put_back(cookies, &view, now);
  free(pair);
  return fine;
}

size_t cookie_file_read(Cookies *cookies, const char *text, size_t len, double now) {
  size_t wrong = 0;
  for (const char *at = text, *end = text + len; at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    char *line = xstrndup(at, (size_t)((stop ? stop : end) - at));
    bool whole = stop && strlen(line) == (size_t)(stop - at);
    if (!whole || !read_line(cookies, line, now)) wrong++;
    free(line);
    at = stop ? stop + 1 : end;
  }
  return wrong;
}
