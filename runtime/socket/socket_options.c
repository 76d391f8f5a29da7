/* Options of a Socket: copied, compared, and made into the address to open. */
#include "socket/socket_options.h"

#include <stdlib.h>
#include <string.h>

#include "net/net_url.h"
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

static bool same_text(const char *a, const char *b) {
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
         a->send_buffer == b->send_buffer && a->retries == b->retries &&
         a->ack_timeout == b->ack_timeout && a->max_message == b->max_message &&
         a->request_timeout == b->request_timeout && a->no_heartbeat == b->no_heartbeat &&
         a->heartbeat_interval == b->heartbeat_interval &&
         a->heartbeat_timeout == b->heartbeat_timeout;
}

static bool same_deflate(const DeflateOptions *a, const DeflateOptions *b) {
  return a->enabled == b->enabled && a->client_no_takeover == b->client_no_takeover &&
         a->server_no_takeover == b->server_no_takeover &&
         a->client_bits == b->client_bits && a->server_bits == b->server_bits &&
         a->level == b->level && a->threshold == b->threshold;
}

static bool same_transports(const SocketOptions *a, const SocketOptions *b) {
  return a->transports[0] == b->transports[0] && a->transports[1] == b->transports[1] &&
         a->try_all == b->try_all && a->upgrade == b->upgrade &&
         a->remember_upgrade == b->remember_upgrade && a->no_slash == b->no_slash;
}

/* Appends a name to the list, when there is one. */
static bool add_name(bool differs, const char *name, Buffer *out) {
  if (differs && out) buffer_printf(out, "%s%s", out->len ? ", " : "", name);
  return differs;
}

/* Whichever way it is spelled: "/socket.io" is the standard path as well. */
static bool same_path(const SocketOptions *a, const SocketOptions *b) {
  Buffer x = {0}, y = {0};
  if (a->protocol != SOCKET_IO || same_text(a->path, b->path))
    return same_text(a->path, b->path);
  eio_target(&x, a->path, !a->no_slash, NULL, EIO_WEBSOCKET, NULL);
  eio_target(&y, b->path, !b->no_slash, NULL, EIO_WEBSOCKET, NULL);
  bool equal = strcmp(buffer_text(&x), buffer_text(&y)) == 0;
  buffer_free(&x);
  buffer_free(&y);
  return equal;
}

static bool other_way(const SocketOptions *a, const SocketOptions *b, Buffer *out) {
  bool moved = add_name(!same_path(a, b), "path", out);
  moved |= add_name(!same_list(a->headers, b->headers), "headers", out);
  moved |= add_name(a->protocol != b->protocol, "protocol", out);
  moved |= add_name(!same_text(a->subprotocols, b->subprotocols), "subprotocols", out);
  moved |= add_name(!same_transports(a, b), "transports", out);
  moved |= add_name(!same_deflate(&a->deflate, &b->deflate), "deflate", out);
  moved |= add_name(!route_equal(&a->route, &b->route), "route", out);
  moved |= add_name(a->multiplex != b->multiplex, "multiplex", out);
  moved |= add_name(a->msgpack != b->msgpack, "parser", out);
  return moved;
}

bool socket_options_moved(const SocketOptions *a, const SocketOptions *b, Buffer *out) {
  bool moved = add_name(!same_text(a->url, b->url), "url", out);
  moved |= add_name(!same_text(a->nsp, b->nsp), "namespace", out);
  moved |= add_name(!same_text(a->query, b->query), "query", out);
  return other_way(a, b, out) || moved;
}

bool socket_options_moved_way(const SocketOptions *a, const SocketOptions *b) {
  return other_way(a, b, NULL);
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
  or_else(&o->ack_timeout, SOCKET_ACK_TIMEOUT);
  or_else(&o->buffer_age, 60);
  or_else(&o->request_timeout, 20);
  or_else(&o->heartbeat_interval, 25);
  or_else(&o->heartbeat_timeout, 20);
  if (!o->transports[0]) {
    o->transports[0] = EIO_WEBSOCKET;
    o->transports[1] = EIO_POLLING;
  }
  or_else_size(&o->buffer_count, 1000);
  or_else_size(&o->buffer_bytes, 1 << 20);
  or_else_size(&o->send_buffer, 16 << 20);
  or_else_size(&o->max_message, WS_MAX_MESSAGE);
}

void socket_tune_options(SocketOptions *to, const SocketOptions *from) {
  to->timeout = from->timeout;
  to->reconnect = from->reconnect;
  to->delay = from->delay;
  to->max_delay = from->max_delay;
  to->attempts = from->attempts;
  to->jitter = from->jitter;
  to->buffer_count = from->buffer_count;
  to->buffer_bytes = from->buffer_bytes;
  to->buffer_age = from->buffer_age;
  to->send_buffer = from->send_buffer;
  to->request_timeout = from->request_timeout;
  to->retries = from->retries;
  to->ack_timeout = from->ack_timeout;
  to->max_message = from->max_message;
  to->no_heartbeat = from->no_heartbeat;
  to->heartbeat_interval = from->heartbeat_interval;
  to->heartbeat_timeout = from->heartbeat_timeout;
  socket_fill_options(to);
}

/* --- the address ------------------------------------------------------------------ */

/* Returns new: "a&b" of what there is, or NULL. */
static char *join_queries(const char *a, const char *b) {
  if (b && *b == '?') b++;
  bool has_a = a && *a, has_b = b && *b;
  if (!has_a && !has_b) return NULL;
  return xasprintf("%s%s%s", has_a ? a : "", has_a && has_b ? "&" : "", has_b ? b : "");
}

/* scheme://credentials@host:port, or unix:path: the same for each spelling of a place, so
 * that its namespaces find each other. */
static void put_front(Buffer *out, const SocketOptions *o, const NetUrl *parsed) {
  if (parsed->unix_path) {
    buffer_printf(out, "unix:%s:", parsed->unix_path);
    return;
  }
  const char *url = o->url;
  const char *host = strstr(parsed->origin, "://") + 3;
  const char *given = strchr(url, ':') + 3;
  const char *at = memrchr(given, '@', strcspn(given, "/?#\\"));
  bool plain = o->protocol == SOCKET_WEBSOCKET; /* which says ws, as given */
  if (plain) buffer_put(out, url, (size_t)(given - url));
  else buffer_put(out, parsed->origin, (size_t)(host - parsed->origin));
  if (at) buffer_put(out, given, (size_t)(at + 1 - given));
  buffer_puts(out, host);
}

/* Of a plain WebSocket: its whole target. */
static void put_target(Buffer *out, const SocketOptions *o, const NetUrl *url,
                       const char *query) {
  const char *path = o->path ? o->path : url->path;
  buffer_printf(out, "%s%s", *path == '/' ? "" : "/", path);
  if (query) buffer_printf(out, "?%s", query);
}

/* Returns new: the path as it stands in the URL, without the escapes that it has in
 * requests. */
static char *path_as_given(const char *url, const NetUrl *parsed) {
  const char *rest =
      parsed->unix_path ? url + 5 + strlen(parsed->unix_path) : strchr(url, ':') + 3;
  if (parsed->unix_path && *rest == ':') rest++;
  else rest += strcspn(rest, "/?#\\");
  return xstrndup(rest, strcspn(rest, "?#"));
}

/* A namespace stands in packets between '/' and ','. */
static int choose_nsp(char **nsp, const SocketOptions *o, const NetUrl *url, Error *err) {
  char *name = o->nsp ? xstrdup(o->nsp) : path_as_given(o->url, url);
  *nsp = *name == '/' ? xstrdup(name) : xasprintf("/%s", name);
  free(name);
  if (o->protocol != SOCKET_IO || !strpbrk(*nsp, ",?")) return 0;
  free(*nsp);
  *nsp = NULL;
  return error_set(err, ERR_INVALID, "a namespace cannot contain ',' or '?'");
}

/* Looks at what the first request would be. */
static int check_request(const SocketOptions *o, const char *address, const char *query,
                         Error *err) {
  NetUrl url;
  Buffer text = {0};
  int code = route_check(&o->route, err);
  if (code) return code;
  buffer_puts(&text, address);
  if (o->protocol == SOCKET_IO)
    eio_target(&text, o->path, !o->no_slash, query, EIO_WEBSOCKET, NULL);
  code = net_url_parse(&url, buffer_text(&text), true, err);
  buffer_free(&text);
  if (code) return code;
  WsRequest request = {.host = url.authority,
                       .target = url.path,
                       .subprotocols = o->subprotocols,
                       .headers = (const char *const *)o->headers};
  code = ws_request_check(&request, err);
  net_url_free(&url);
  return code;
}

int socket_address(const SocketOptions *o, char **address, char **query, char **nsp,
                   Error *err) {
  NetUrl url;
  Buffer text = {0};
  *address = *query = *nsp = NULL;
  int code = net_url_parse(&url, o->url ? o->url : "", true, err);
  if (code) return code;
  *query = join_queries(url.query, o->query);
  put_front(&text, o, &url);
  if (o->protocol == SOCKET_WEBSOCKET) put_target(&text, o, &url, *query);
  *address = buffer_take(&text, NULL);
  code = check_request(o, *address, *query, err);
  if (code == 0) code = choose_nsp(nsp, o, &url, err);
  net_url_free(&url);
  if (code == 0) return 0;
  free(*address);
  free(*query);
  *address = *query = NULL;
  return code;
}

int socket_options_check(const SocketOptions *options, Error *err) {
  char *address, *query, *nsp;
  int code = socket_address(options, &address, &query, &nsp, err);
  free(address);
  free(query);
  free(nsp);
  return code;
}
