/* A server's options and its references. */
#include "server/server.h"

#include <stdlib.h>
#include <string.h>

#include "net/hosts.h"

static void default_size(size_t *option, size_t value) {
  if (*option == 0) *option = value;
}

static void default_time(double *option, double value) {
  if (!(*option > 0)) *option = value;
}

void server_set_limits(Server *server, const ServerOptions *given) {
  ServerOptions *o = &server->options;
  const char *const *hosts = names_copy(given->hosts);
  const char *const *origins = names_copy(given->origins);
  names_free(o->hosts);
  names_free(o->origins);
  *o = *given;
  o->host = server->host;
  o->hosts = hosts;
  o->origins = origins;
  default_size(&o->max_head, 16 * 1024);
  default_size(&o->max_body, 8 * 1024 * 1024);
  default_size(&o->max_message, 1024 * 1024);
  default_size(&o->max_backlog, 4 * 1024 * 1024);
  default_size(&o->max_connections, 4096);
  default_time(&o->head_timeout, 10);
  default_time(&o->request_timeout, 60);
  default_time(&o->idle_timeout, 60);
  default_time(&o->write_timeout, 30);
}

static void set_options(Server *server, const ServerOptions *given) {
  const char *host = given->host && *given->host ? given->host : "127.0.0.1";
  server->host = xstrdup(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host);
  server_set_limits(server, given);
}

Server *server_new(ServerRoom *room, const ServerOptions *options) {
  Server *server = xcalloc(1, sizeof *server);
  server->listen_fd = -1;
  server->room = room;
  server->refs = 1;
  server->next = room->servers;
  if (server->next) server->next->prev = server;
  room->servers = server;
  set_options(server, options);
  server->charge = charge_ref(options->charge);
  return server;
}

void server_unref(Server *server) {
  CHECK(server->refs > 0);
  if (--server->refs > 0) return;
  if (server->next) server->next->prev = server->prev;
  if (server->prev) server->prev->next = server->next;
  else server->room->servers = server->next;
  charge_unref(server->charge);
  free(server->slots);
  free(server->host);
  names_free(server->options.hosts);
  names_free(server->options.origins);
  free(server);
}
