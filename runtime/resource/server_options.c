/* See server_options.h. */
#include "resource/server_options.h"

#include <stdlib.h>
#include <string.h>

#include "net/hosts.h"

/* --- comparing -------------------------------------------------------------------- */

bool server_options_same_place(const void *a, const void *b) {
  const ServerOptions *x = a, *y = b;
  return strcmp(x->host, y->host) == 0 && x->port == y->port;
}

bool server_options_same_port(const void *a, const void *b) {
  const ServerOptions *x = a, *y = b;
  return x->port == y->port && x->port != 0;
}

static void add_name(Buffer *out, bool differs, const char *name) {
  if (differs) buffer_printf(out, "%s%s", out->len ? ", " : "", name);
}

static bool same_limits(const ServerOptions *x, const ServerOptions *y) {
  return x->max_head == y->max_head && x->max_body == y->max_body &&
         x->max_message == y->max_message && x->max_backlog == y->max_backlog &&
         x->max_connections == y->max_connections;
}

static bool same_timeouts(const ServerOptions *x, const ServerOptions *y) {
  return x->head_timeout == y->head_timeout && x->request_timeout == y->request_timeout &&
         x->idle_timeout == y->idle_timeout && x->write_timeout == y->write_timeout;
}

void server_options_differ(const void *a, const void *b, Buffer *out) {
  const ServerOptions *x = a, *y = b;
  Buffer names = {0};
  add_name(&names, strcmp(x->host, y->host) != 0, "host");
  add_name(&names, x->port != y->port, "port");
  add_name(&names, !names_same(x->hosts, y->hosts), "hosts");
  add_name(&names, !names_same(x->origins, y->origins), "origins");
  add_name(&names, !same_limits(x, y), "limits");
  add_name(&names, !same_timeouts(x, y), "timeouts");
  buffer_puts(out, buffer_text(&names));
  buffer_free(&names);
}

bool server_options_same(const void *a, const void *b) {
  Buffer differing = {0};
  server_options_differ(a, b, &differing);
  bool same = differing.len == 0;
  buffer_free(&differing);
  return same;
}

/* --- the rest --------------------------------------------------------------------- */

int server_options_check(const void *options, Error *err) {
  return server_check(options, err);
}

void server_options_free(void *options) {
  ServerOptions *o = options;
  free((char *)o->host);
  free((char *)o->fake);
  names_free(o->hosts);
  names_free(o->origins);
  free(o);
}
