/* URLs. curl's parser does the work; around it stand the rules that are ours: which
 * schemes, no control characters, bytes beyond ASCII escaped behind the host (in front of
 * it they are an international name, which curl translates), and the characters that the
 * WHATWG URL standard escapes in a path and in a query. A backslash is a slash there, up
 * to the query, and the segments "." and ".." of a path, also as %2e, are gone. */
#include "net/net_url.h"

#include <curl/curl.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/base64.h"
#include "core/buffer.h"

void net_url_free(NetUrl *url) {
  free(url->url);
  free(url->origin);
  free(url->authority);
  free(url->path);
  free(url->query);
  free(url->user);
  free(url->password);
  free(url->unix_path);
  *url = (NetUrl){0};
}

const char *net_url_name(const NetUrl *url) {
  return url->unix_path ? url->origin : url->url;
}

void net_url_stay(NetUrl *next, const NetUrl *from) {
  if (!from->unix_path || strcmp(next->origin, "http://localhost:80") != 0) return;
  free(next->origin);
  next->origin = xstrdup(from->origin);
  next->unix_path = xstrdup(from->unix_path);
}

static bool is_slash(char c) {
  return c == '/' || c == '\\';
}

/* What follows "scheme:" when the scheme is this one, else NULL. */
static const char *after_scheme(const char *text, const char *scheme) {
  size_t len = strlen(scheme);
  bool is_it = strncasecmp(text, scheme, len) == 0 && text[len] == ':' &&
               is_slash(text[len + 1]) && is_slash(text[len + 2]);
  return is_it ? text + len : NULL;
}

/* How many dots a segment is: 1 for ".", 2 for "..", with %2e for each, else 0. */
static int count_dots(const char *segment, size_t len) {
  int dots = 0;
  for (size_t i = 0; i < len; dots++) {
    bool escaped = len - i >= 3 && strncasecmp(segment + i, "%2e", 3) == 0;
    if (segment[i] != '.' && !escaped) return 0;
    i += escaped ? 3 : 1;
  }
  return dots <= 2 ? dots : 0;
}

/* Appends a path, which begins with a slash, without its segments of dots: those of two
 * take the segment before them away. */
static void put_path(Buffer *out, const char *path) {
  size_t start = out->len;
  while (*path) {
    size_t len = strcspn(path + 1, "/");
    bool last = !path[1 + len];
    int dots = count_dots(path + 1, len);
    if (dots == 2) {
      while (out->len > start && out->data[out->len - 1] != '/') out->len--;
      if (out->len > start) out->len--;
    }
    if (!dots) buffer_put(out, path, len + 1);
    else if (last) buffer_putc(out, '/');
    path += len + 1;
  }
}

/* Appends bytes with those escaped that the standard escapes there. Returns NULL or what
 * is wrong. */
static const char *put_escaped(Buffer *out, const char *from, const char *to,
                               const char *escaped, bool slashes) {
  for (const char *at = from; at < to; at++) {
    unsigned char c = (unsigned char)*at;
    if (c <= ' ' || c == 127) return "it contains a space or a control character";
    if (strchr(escaped, c) || (c >= 128 && *escaped)) buffer_printf(out, "%%%02X", c);
    else buffer_putc(out, slashes && is_slash((char)c) ? '/' : (char)c);
  }
  return NULL;
}

/* Appends the rest of a URL, which begins with "://" or the like, with its escapes.
 * Returns NULL or what is wrong. */
static const char *put_rest(Buffer *out, const char *rest) {
  const char *path = rest + 3 + strcspn(rest + 3, "/?#\\");
  const char *query = path + strcspn(path, "?#"), *end = query + strlen(query);
  if (path == rest + 3) return "it has no host"; /* curl would take the path for one */
  Buffer escaped = {0};
  const char *wrong = put_escaped(out, rest, path, "", true);
  if (!wrong) wrong = put_escaped(&escaped, path, query, "\"<>`{}", true);
  if (!wrong) put_path(out, buffer_text(&escaped));
  buffer_free(&escaped);
  return wrong ? wrong : put_escaped(out, query, end, "\"<>'", false);
}

/* Appends the URL with http for ws, and with escapes. Returns NULL or what is wrong. */
static const char *normalise_url(Buffer *out, const char *text, bool websocket) {
  const char *rest, *scheme = NULL;
  if ((rest = after_scheme(text, "https"))) scheme = "https";
  else if ((rest = after_scheme(text, "http"))) scheme = "http";
  else if (websocket && (rest = after_scheme(text, "wss"))) scheme = "https";
  else if (websocket && (rest = after_scheme(text, "ws"))) scheme = "http";
  if (!scheme)
    return websocket ? "it must start with ws://, wss://, http://, https:// or unix:/"
                     : "it must start with http://, https:// or unix:/";
  buffer_puts(out, scheme);
  return put_rest(out, rest);
}

/* Returns new: a part of the URL, or NULL. */
static char *copy_part(CURLU *handle, CURLUPart which, unsigned flags) {
  char *text = NULL;
  if (curl_url_get(handle, which, &text, flags) != CURLUE_OK) return NULL;
  char *copy = xstrdup(text);
  curl_free(text);
  return copy;
}

static void lower_text(char *text) {
  for (; *text; text++) *text = (char)tolower((unsigned char)*text);
}

static void take_apart(NetUrl *out, CURLU *handle) {
  out->user = copy_part(handle, CURLUPART_USER, CURLU_URLDECODE);
  out->password = copy_part(handle, CURLUPART_PASSWORD, CURLU_URLDECODE);
  curl_url_set(handle, CURLUPART_USER, NULL, 0);
  curl_url_set(handle, CURLUPART_PASSWORD, NULL, 0);
  curl_url_set(handle, CURLUPART_OPTIONS, NULL, 0);
  curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
  out->url = copy_part(handle, CURLUPART_URL, 0);
  out->path = copy_part(handle, CURLUPART_PATH, 0);
  out->query = copy_part(handle, CURLUPART_QUERY, 0);
  char *scheme = copy_part(handle, CURLUPART_SCHEME, 0),
       *host = copy_part(handle, CURLUPART_HOST, 0);
  char *port = copy_part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  char *named = copy_part(handle, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
  if (!host) host = xstrdup("");
  lower_text(host);
  out->origin = xasprintf("%s://%s:%s", scheme, host, port);
  out->authority = named ? xasprintf("%s:%s", host, named) : xstrdup(host);
  free(scheme);
  free(host);
  free(port);
  free(named);
}

/* --- the usual URL ---------------------------------------------------------------- */

/* The length of a host that is written as it is meant: letters in lower case, digits,
 * dots and hyphens, and no number at its end, which may be an address in a form of its
 * own; else 0. */
static size_t plain_host(const char *host, size_t len) {
  bool letter = false;
  for (size_t i = 0; i < len; i++) {
    char c = host[i];
    if (c == '.') letter = false;
    else if ((c >= 'a' && c <= 'z') || c == '-') letter = true;
    else if (!isdigit((unsigned char)c)) return 0;
  }
  return letter && host[len - 1] != '-' ? len : 0;
}

static bool is_loopback(const char *host, size_t len) {
  return len == 9 && memcmp(host, "127.0.0.1", 9) == 0;
}

/* Takes apart, without curl, what it would give back as it is. False: it is not that. */
static bool parse_plain(NetUrl *out, const char *normal) {
  bool secure = strncmp(normal, "https://", 8) == 0;
  const char *host = normal + (secure ? 8 : 7), *path = host + strcspn(host, "/?#@[");
  if (*path != '/' || strchr(path, '#')) return false;
  const char *colon = memchr(host, ':', (size_t)(path - host));
  size_t len = (size_t)((colon ? colon : path) - host);
  size_t digits = colon ? (size_t)(path - colon) - 1 : 0;
  if (!plain_host(host, len) && !is_loopback(host, len)) return false;
  if (colon && (digits == 0 || digits > 5 || colon[1] == '0' ||
                strspn(colon + 1, "0123456789") != digits || atoi(colon + 1) > 65535))
    return false;
  const char *query = strchr(path, '?');
  out->url = xstrdup(normal);
  out->authority = xstrndup(host, (size_t)(path - host));
  out->origin = xasprintf("%s://%s%s", secure ? "https" : "http", out->authority,
                          colon    ? ""
                          : secure ? ":443"
                                   : ":80");
  out->path = xstrndup(path, query ? (size_t)(query - path) : strlen(path));
  out->query = query ? xstrdup(query + 1) : NULL;
  return true;
}

static const char *parse_normal(NetUrl *out, const char *normal) {
  if (parse_plain(out, normal)) return NULL;
  CURLU *handle = curl_url();
  CHECK(handle != NULL);
  const char *wrong = NULL;
  CURLUcode code = curl_url_set(handle, CURLUPART_URL, normal, CURLU_PATH_AS_IS);
  if (code != CURLUE_OK) wrong = curl_url_strerror(code);
  else take_apart(out, handle);
  curl_url_cleanup(handle);
  return wrong;
}

/* unix:PATH[:TARGET]: the URL becomes one of localhost, asked over that socket. */
static const char *parse_unix(NetUrl *out, Buffer *normal, const char *path) {
  size_t len = strcspn(path, ":");
  if (len >= sizeof((struct sockaddr_un *)0)->sun_path)
    return "the path of its socket is longer than the system allows";
  const char *target = path[len] ? path + len + 1 : "/";
  char *full = xasprintf("http://localhost%s%s", *target == '/' ? "" : "/", target);
  const char *wrong = normalise_url(normal, full, false);
  free(full);
  if (!wrong) wrong = parse_normal(out, buffer_text(normal));
  if (wrong) return wrong;
  out->unix_path = xstrndup(path, len);
  free(out->origin);
  out->origin = xasprintf("unix:%s", out->unix_path);
  return NULL;
}

int net_url_parse(NetUrl *out, const char *text, bool websocket, Error *err) {
  *out = (NetUrl){0};
  Buffer normal = {0};
  const char *wrong;
  if (strncasecmp(text, "unix:/", 6) == 0) {
    wrong = parse_unix(out, &normal, text + 5);
  } else {
    wrong = normalise_url(&normal, text, websocket);
    if (!wrong) wrong = parse_normal(out, buffer_text(&normal));
  }
  if (!wrong && out->authority && strpbrk(out->authority, "|<>^\"{}"))
    wrong = "its host cannot be one";
  if (!wrong && (!out->url || !out->path || !*out->authority)) wrong = "it has no host";
  buffer_free(&normal);
  if (!wrong) return 0;
  net_url_free(out);
  char shown[NET_URL_SHOWN];
  net_url_show(text, shown);
  return error_set(err, ERR_URL, "the URL %s cannot be used: %s", shown, wrong);
}

/* --- from one to the next --------------------------------------------------------- */

static bool has_scheme(const char *text) {
  size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789+-.");
  return len > 0 && isalpha((unsigned char)*text) && text[len] == ':';
}

/* Returns new: the same place, and another fragment. curl 7.88.1 takes path and query
 * away. */
static char *join_fragment(const NetUrl *from, const char *reference) {
  return xasprintf("%.*s%s", (int)strcspn(from->url, "#"), from->url, reference);
}

/* Returns new: a relative reference joined, or the reference as it is. */
static char *join_relative(const NetUrl *from, char *reference) {
  size_t path = strcspn(reference, "?#");
  for (size_t i = 0; i < path; i++)
    if (reference[i] == '\\') reference[i] = '/';
  CURLU *handle = curl_url();
  CHECK(handle != NULL);
  curl_url_set(handle, CURLUPART_URL, from->url, CURLU_PATH_AS_IS);
  CURLUcode code = curl_url_set(handle, CURLUPART_URL, reference, 0);
  char *joined = code == CURLUE_OK ? copy_part(handle, CURLUPART_URL, 0) : NULL;
  curl_url_cleanup(handle);
  return joined ? joined : xstrdup(reference);
}

char *net_url_resolve(const NetUrl *from, const char *location, size_t len) {
  Buffer escaped = {0};
  if (len == 0) return NULL;
  for (size_t i = 0; i < len; i++)
    if (location[i] == ' ') buffer_puts(&escaped, "%20");
    else buffer_putc(&escaped, location[i]);
  char *reference = buffer_take(&escaped, NULL);
  if (has_scheme(reference)) return reference;
  char *joined =
      *reference == '#' ? join_fragment(from, reference) : join_relative(from, reference);
  free(reference);
  return joined;
}

char *net_url_basic(const char *name, const char *user, const char *password) {
  if (!user) return NULL;
  char *pair = xasprintf("%s:%s", user, password ? password : "");
  char *text = xmalloc(BASE64_LEN(strlen(pair)) + 1);
  base64_encode(pair, strlen(pair), text);
  char *header = xasprintf("%s: Basic %s", name, text);
  free(pair);
  free(text);
  return header;
}

/* --- for messages ----------------------------------------------------------------- */

/* Whether host:port cannot be one: a password with a slash may stand there. */
static bool is_doubtful(const char *host, size_t len) {
  const char *colon = memrchr(host, ':', len);
  if (!colon || *host == '[') return false;
  size_t digits = strspn(colon + 1, "0123456789");
  return colon + 1 + digits != host + len;
}

/* Text only, so that it works for what does not parse as well. */
void net_url_show(const char *text, char *out) {
  const char *colon = strstr(text, "://");
  const char *host = colon ? colon + 3 : text;
  size_t host_len = strcspn(host, "/?#\\");
  const char *at = memrchr(host, '@', host_len);
  if (!at && is_doubtful(host, host_len)) at = strrchr(host, '@');
  const char *shown = at ? at + 1 : host;
  int len = (int)strcspn(shown, "?#");
  snprintf(out, NET_URL_SHOWN, "%.*s%.*s", (int)(host - text), text, len, shown);
  for (char *c = out; *c; c++)
    if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
}

void net_url_show_host(const char *text, char *out) {
  NetUrl url;
  Error ignored;
  if (net_url_parse(&url, text, true, &ignored) != 0) {
    net_url_show(text, out);
    return;
  }
  snprintf(out, NET_URL_SHOWN, "%s",
           url.unix_path ? url.origin : strstr(url.origin, "://") + 3);
  net_url_free(&url);
}
