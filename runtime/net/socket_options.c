/* Options of a Socket: copied, compared, and made into the address to open. */
#include <stdlib.h>
#include <string.h>

#include "net/net_url.h"
#include "net/socket_parts.h"
#include "proto/engineio.h"
#include "proto/websocket.h"

/* --- copies ----------------------------------------------------------------------- */

static char **copy_list(char *const *list) {
  if (!list) return NULL;
  size_t count = 0;
  while (list[count]) count++;
  char **copy = xcalloc(count + 1, sizeof *copy);
  for (size_t i = 0; i < count; i++) copy[i] = xstrdup(list[i]);
  return copy;
}

void socket_options_copy(SocketOptions *to, const SocketOptions *from) {
  *to = *from;
  to->url = xstrdup(from->url);
  to->path = xstrdup(from->path);
  to->nsp = xstrdup(from->nsp);
  to->query = xstrdup(from->query);
  to->headers = copy_list(from->headers);
  to->subprotocols = xstrdup(from->subprotocols);
  route_copy(&to->route, &from->route);
}

void socket_options_free(SocketOptions *o) {
  free(o->url);
  free(o->path);
  free(o->nsp);
  free(o->query);
  for (char **header = o->headers; header && *header; header++) free(*header);
  free(o->headers);
  free(o->subprotocols);
  route_free(&o->route);
  *o = (SocketOptions){0};
}

static bool same(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_list(char *const *a, char *const *b) {
  if (!a || !b) return a == b;
  while (*a && *b && strcmp(*a, *b) == 0) a++, b++;
  return !*a && !*b;
}

static bool same_numbers(const SocketOptions *a, const SocketOptions *b) {
  return a->timeout == b->timeout && a->delay == b->delay &&
         a->max_delay == b->max_delay && a->attempts == b->attempts &&
         a->jitter == b->jitter && a->buffer_count == b->buffer_count &&
         a->buffer_bytes == b->buffer_bytes && a->buffer_age == b->buffer_age &&
         a->max_message == b->max_message;
}

/* Appends a name to the list, when it is to be told. */
static bool note(bool differs, const char *name, Buffer *out) {
  if (differs && out) buffer_printf(out, "%s%s", out->len ? ", " : "", name);
  return differs;
}

bool socket_options_moved(const SocketOptions *a, const SocketOptions *b, Buffer *out) {
  bool moved = note(!same(a->url, b->url), "url", out);
  moved |= note(!same(a->path, b->path), "path", out);
  moved |= note(!same(a->nsp, b->nsp), "namespace", out);
  moved |= note(!same(a->query, b->query), "query", out);
  moved |= note(!same_list(a->headers, b->headers), "headers", out);
  moved |= note(a->protocol != b->protocol, "protocol", out);
  moved |= note(!same(a->subprotocols, b->subprotocols), "subprotocols", out);
  moved |= note(!route_equal(&a->route, &b->route), "route", out);
  return moved;
}

bool socket_options_tuned(const SocketOptions *a, const SocketOptions *b) {
  return a->reconnect != b->reconnect || !same_numbers(a, b);
}

bool socket_options_equal(const SocketOptions *a, const SocketOptions *b) {
  return !socket_options_moved(a, b, NULL) && !socket_options_tuned(a, b);
}

/* --- defaults --------------------------------------------------------------------- */

static void or_else(double *value, double otherwise) {
  if (!(*value > 0)) *value = otherwise;
}

static void or_else_size(size_t *value, size_t otherwise) {
  if (*value == 0) *value = otherwise;
}

void socket_fill_options(SocketOptions *o) {
  or_else(&o->timeout, 20);
  or_else(&o->delay, 1);
  or_else(&o->max_delay, 5);
  or_else(&o->buffer_age, 60);
  or_else_size(&o->buffer_count, 1000);
  or_else_size(&o->buffer_bytes, 1 << 20);
  or_else_size(&o->max_message, WS_MAX_MESSAGE);
}

static void tune(SocketOptions *to, const SocketOptions *from) {
  to->timeout = from->timeout;
  to->reconnect = from->reconnect;
  to->delay = from->delay;
  to->max_delay = from->max_delay;
  to->attempts = from->attempts;
  to->jitter = from->jitter;
  to->buffer_count = from->buffer_count;
  to->buffer_bytes = from->buffer_bytes;
  to->buffer_age = from->buffer_age;
  to->max_message = from->max_message;
  socket_fill_options(to);
}

void socket_retune(Socket *s, const SocketOptions *options) {
  Loop *loop = net_loop(s->net);
  tune(&s->options, options);
  double latest = loop_now(loop) + s->options.max_delay;
  if (timer_active(&s->retry) && s->retry.due > latest)
    timer_start_at(loop, &s->retry, latest);
}

/* --- the address ------------------------------------------------------------------ */

/* Returns new: "a&b" of what there is, or NULL. */
static char *join_queries(const char *a, const char *b) {
  if (b && *b == '?') b++;
  bool has_a = a && *a, has_b = b && *b;
  if (!has_a && !has_b) return NULL;
  return xasprintf("%s%s%s", has_a ? a : "", has_a && has_b ? "&" : "", has_b ? b : "");
}

/* scheme://credentials@host:port as it was given, or unix:path: */
static void put_front(Buffer *out, const char *url, const NetUrl *parsed) {
  if (parsed->unix_path) {
    buffer_printf(out, "unix:%s:", parsed->unix_path);
    return;
  }
  const char *host = strstr(url, "://") + 3;
  buffer_put(out, url, (size_t)(host - url) + strcspn(host, "/?#"));
}

static void put_target(Buffer *out, const SocketOptions *o, const NetUrl *url) {
  char *query = join_queries(url->query, o->query);
  if (o->protocol == SOCKET_IO) {
    eio_websocket_target(out, o->path, query);
  } else {
    const char *path = o->path ? o->path : url->path;
    buffer_printf(out, "%s%s", *path == '/' ? "" : "/", path);
    if (query) buffer_printf(out, "?%s", query);
  }
  free(query);
}

/* A namespace stands in packets between '/' and ','. */
static int choose_nsp(char **nsp, const SocketOptions *o, const NetUrl *url, Error *err) {
  const char *name = o->nsp ? o->nsp : url->path;
  *nsp = *name == '/' ? xstrdup(name) : xasprintf("/%s", name);
  if (o->protocol != SOCKET_IO || !strpbrk(*nsp, ",?")) return 0;
  free(*nsp);
  *nsp = NULL;
  return error_set(err, ERR_INVALID, "a namespace cannot contain ',' or '?'");
}

static int check_request(const SocketOptions *o, const char *address, Error *err) {
  NetUrl url;
  int code = route_check(&o->route, err);
  if (!code) code = net_url_parse(&url, address, true, err);
  if (code) return code;
  WsRequest request = {.host = url.authority,
                       .target = url.path,
                       .subprotocols = o->subprotocols,
                       .headers = (const char *const *)o->headers};
  code = ws_request_check(&request, err);
  net_url_free(&url);
  return code;
}

int socket_address(const SocketOptions *o, char **address, char **nsp, Error *err) {
  NetUrl url;
  Buffer text = {0};
  *address = *nsp = NULL;
  int code = net_url_parse(&url, o->url ? o->url : "", true, err);
  if (code) return code;
  put_front(&text, o->url, &url);
  put_target(&text, o, &url);
  *address = buffer_take(&text, NULL);
  code = check_request(o, *address, err);
  if (code == 0) code = choose_nsp(nsp, o, &url, err);
  if (code) free(*address), *address = NULL;
  net_url_free(&url);
  return code;
}

int socket_options_check(const SocketOptions *options, Error *err) {
  char *address, *nsp;
  int code = socket_address(options, &address, &nsp, err);
  free(address);
  free(nsp);
  return code;
}
