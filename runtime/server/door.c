/* Finding and loading the shared object of the server, and passing calls on to it. It is
 * never unloaded: libwebsockets and OpenSSL leave handlers behind that must stay mapped.
 */
#include "server/door.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/descriptors.h"
#include "net/hosts.h"

#define SERVER_OBJECT "tidelock-server.so"

struct Servers {
  Loop *loop;
  const ServerTable *table; /* NULL until loaded */
  ServerRoom *room;
};

/* Every Server begins with the table that made it. */
static const ServerTable *table_of(const Server *server) {
  return *(const ServerTable *const *)server;
}

/* Where the object may lie, seen from the folder of the executable: beside it in a build
 * tree, one up for the tests', and in lib/ once installed. */
static bool object_path(char *path, size_t size, size_t n) {
  static const char *const places[] = {"%s/" SERVER_OBJECT, "%s/../" SERVER_OBJECT,
                                       "%s/../lib/tidelock/" SERVER_OBJECT};
  char exe[PATH_MAX];
  ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (len < 0 || n >= COUNT_OF(places)) return false;
  exe[len] = '\0';
  return snprintf(path, size, places[n], dirname(exe)) < (int)size;
}

static void *find_object(Error *err) {
  char path[PATH_MAX + 64], words[320] = "not found";
  void *handle = NULL;
  for (size_t n = 0; !handle && object_path(path, sizeof path, n); n++) {
    if (access(path, R_OK) != 0) continue;
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) snprintf(words, sizeof words, "%s", dlerror());
  }
  if (handle) return handle;
  error_set(err, ERR_UNSUPPORTED,
            "cannot load the server part, " SERVER_OBJECT
            ": run make, or install the package libwebsockets17");
  error_detail(err, "%s", words);
  return NULL;
}

static int load_object(Servers *servers, Error *err) {
  if (servers->table) return 0;
  void *handle = find_object(err);
  if (!handle) return err->code;
  ServerTableOf *table_fn;
  *(void **)&table_fn = dlsym(handle, SERVER_TABLE_SYMBOL);
  if (!table_fn || table_fn()->version != SERVER_TABLE_VERSION)
    return error_set(err, ERR_UNSUPPORTED,
                     SERVER_OBJECT " is of another version: run make again");
  servers->table = table_fn();
  servers->room = servers->table->room_new(servers->loop);
  return 0;
}

Servers *servers_new(Loop *loop) {
  Servers *servers = xcalloc(1, sizeof *servers);
  servers->loop = loop;
  return servers;
}

void servers_free(Servers *servers) {
  if (servers->table) servers->table->room_free(servers->room);
  free(servers);
}

Server *server_open(Servers *servers, const ServerOptions *options,
                    const ServerCallbacks *callbacks, void *ctx, Error *err) {
  if (load_object(servers, err) != 0) return NULL;
  return servers->table->open(servers->room, options, callbacks, ctx, err);
}

void server_close(Server *server) {
  table_of(server)->close(server);
}

void server_adopt(Server *server, int fd, ServerFault fault, size_t bytes) {
  table_of(server)->adopt(server, fd, fault, bytes);
}

void server_drop(Server *server, bool all) {
  table_of(server)->drop(server, all);
}

void server_retune(Server *server, const ServerOptions *options) {
  table_of(server)->retune(server, options);
}

static int bind_error(const char *host, int port, int number, Error *err) {
  ErrorCode code = number == EADDRINUSE ? ERR_BUSY : ERR_IO;
  error_set(err, code, "cannot listen on %s port %d: %s", host, port,
            number == EADDRINUSE ? "the port is in use" : strerror(number));
  error_detail(err, "bind: %s", strerror(number));
  return code;
}

/* Binds once itself, for an error with its cause; libwebsockets gives none. */
int server_try_bind(const char *host, int port, bool *ipv6, Error *err) {
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  struct sockaddr_in v4 = {.sin_family = AF_INET};
  v4.sin_port = v6.sin6_port = htons((uint16_t)port);
  if (strcmp(host, "localhost") == 0) host = "127.0.0.1";
  bool six = inet_pton(AF_INET6, host, &v6.sin6_addr) == 1;
  if (ipv6) *ipv6 = six;
  if (!six && inet_pton(AF_INET, host, &v4.sin_addr) != 1)
    return error_set(err, ERR_INVALID, "host must be an IP address or localhost, not %s",
                     host);
  int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  if (fd < 0) return bind_error(host, port, errno, err);
  if (!files_spare(fd)) {
    close(fd);
    return bind_error(host, port, EMFILE, err);
  }
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  int result = six ? bind(fd, (struct sockaddr *)&v6, sizeof v6)
                   : bind(fd, (struct sockaddr *)&v4, sizeof v4);
  int number = errno;
  close(fd);
  return result == 0 ? 0 : bind_error(host, port, number, err);
}

static int check_entries(const char *const *list, bool (*valid)(const char *),
                         const char *what, const char *like, Error *err) {
  for (; list && *list; list++)
    if (!valid(*list))
      return error_set(err, ERR_INVALID, "%s: \"%.80s\" is none, like %s", what, *list,
                       like);
  return 0;
}

int server_check(const ServerOptions *o, Error *err) {
  const char *host = o->host ? o->host : "127.0.0.1";
  if (!o->fake && server_try_bind(host, 0, NULL, err) != 0) return err->code;
  if (!address_is_loopback(host) && !o->hosts)
    return error_set(err, ERR_INVALID,
                     "a server on %s, which is not loopback, needs the option hosts: the "
                     "names that it answers to, like { \"chat.example.org\" }",
                     host);
  int code = check_entries(o->hosts, host_entry_valid, "hosts",
                           "\"chat.example.org\" or \"localhost:8000\"", err);
  return code ? code
              : check_entries(o->origins, origin_entry_valid, "origins",
                              "\"https://chat.example.org\"", err);
}

int server_port(const Server *server) {
  return table_of(server)->port(server);
}

size_t server_connections(const Server *server) {
  return table_of(server)->connections(server);
}

int server_respond(Server *server, uint64_t id, int status, const char *const *headers,
                   const char *body, size_t len, Error *err) {
  return table_of(server)->respond(server, id, status, headers, body, len, err);
}

int server_begin(Server *server, uint64_t id, int status, const char *const *headers,
                 bool *takes, Error *err) {
  return table_of(server)->begin(server, id, status, headers, takes, err);
}

int server_write(Server *server, uint64_t id, const char *data, size_t len, bool *much,
                 Error *err) {
  return table_of(server)->write(server, id, data, len, much, err);
}

void server_finish(Server *server, uint64_t id, bool whole) {
  table_of(server)->finish(server, id, whole);
}

int server_accept(Server *server, uint64_t id, const char *subprotocol, Error *err) {
  return table_of(server)->accept(server, id, subprotocol, err);
}

int server_send(Server *server, uint64_t id, bool binary, const char *data, size_t len,
                Error *err) {
  return table_of(server)->send(server, id, binary, data, len, err);
}

size_t server_buffered(const Server *server, uint64_t id) {
  return table_of(server)->buffered(server, id);
}

void server_hang_up(Server *server, uint64_t id, int code, const char *reason) {
  table_of(server)->hang_up(server, id, code, reason);
}

void server_note_loss(Server *server, ServerLoss kind, const char *words) {
  table_of(server)->note_loss(server, kind, words);
}
