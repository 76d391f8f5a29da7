/* Headers of requests: their form is checked here, so that no text from a script can
 * smuggle a line of its own into the request. */
#include "net/http_headers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "proto/http1_client.h"

bool http_token(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!isalnum((unsigned char)text[i]) && !memchr("!#$%&'*+-.^_`|~", text[i], 15))
      return false;
  return len > 0;
}

static size_t name_len(const char *header) {
  return strcspn(header, ":");
}

bool http_header_is(const char *header, const char *name) {
  size_t len = name_len(header);
  return len == strlen(name) && strncasecmp(header, name, len) == 0;
}

static bool clean_value(const char *value) {
  for (; *value; value++)
    if (((unsigned char)*value < ' ' && *value != '\t') || *value == 127) return false;
  return true;
}

int http_check_header(const char *header, Error *err) {
  size_t len = name_len(header);
  if (header[len] != ':' || !http_token(header, len))
    return error_set(err, ERR_INVALID, "\"%.*s\" cannot be the name of a header",
                     (int)strcspn(header, ":\r\n"), header);
  if (!clean_value(header + len))
    return error_set(err, ERR_INVALID,
                     "the value of the header %.*s contains a control character",
                     (int)len, header);
  if (http_header_is(header, "Content-Length") ||
      http_header_is(header, "Transfer-Encoding"))
    return error_set(err, ERR_INVALID, "the header %.*s is set from the body", (int)len,
                     header);
  return 0;
}

bool http_header_secret(const char *header) {
  static const char *const marks[] = {"auth",    "cookie",     "token",      "secret",
                                      "session", "password",   "credential", "api-key",
                                      "api_key", "access-key", "apikey",     "signature"};
  size_t len = name_len(header);
  char name[128];
  if (len >= sizeof name) return true;
  memcpy(name, header, len);
  name[len] = '\0';
  for (size_t i = 0; i < COUNT_OF(marks); i++)
    if (strcasestr(name, marks[i])) return true;
  return false;
}

bool http_header_of_body(const char *header) {
  return strncasecmp(header, "Content-", 8) == 0;
}

bool http_find_header(const Buffer *lines, const char *name, char *out, size_t room) {
  const Http1Head head = {.lines = *lines};
  size_t len;
  const char *value = http1_head_value(&head, name, 0, &len);
  if (!value || len >= room) return false;
  memcpy(out, value, len);
  out[len] = '\0';
  return true;
}

void http_join_cookies(Buffer *out, const char *const *headers) {
  for (; headers && *headers; headers++) {
    if (!http_header_is(*headers, "Cookie")) continue;
    const char *value = *headers + strlen("Cookie:");
    value += strspn(value, " \t");
    if (*value) buffer_printf(out, "%s%s", out->len ? "; " : "", value);
  }
}

/* curl takes "Name:" as the wish to leave the header out, "Name;" as an empty one. */
struct curl_slist *http_header_add(struct curl_slist *list, const char *header) {
  size_t len = name_len(header);
  const char *value = header + len + 1;
  char *line = value[strspn(value, " \t")] ? xstrdup(header)
                                           : xasprintf("%.*s;", (int)len, header);
  struct curl_slist *longer = curl_slist_append(list, line);
  CHECK(longer != NULL);
  free(line);
  return longer;
}
