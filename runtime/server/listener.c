/* The listener: how libwebsockets lives on our loop, from its first handle to its last.
 *
 * What it does for us. libwebsockets listens and accepts; what becomes of a connection is
 * conn.c's; proto/http1 and proto/websocket decide what the bytes mean. Its own
 * HTTP and WebSocket roles were tried on paper and left (4.1.6): while a request
 * waits for its answer it does not read, so that a level-triggered loop spins until then;
 * an upgrade must be decided inside its callback; chunked bodies are unsupported; unknown
 * headers cannot be listed; Content-Length goes through atoll.
 *
 * One context for each server, not one for all. Closing one listener of a context takes
 * up to thirty seconds, during which its port stays taken and each client that connects
 * makes the loop spin; closing a context starts at once.
 *
 * A context has a table with a place for each number of a file descriptor that the
 * process may have, and writes past its end when it drops one whose number is higher. It
 * sees two: its eventfd and the listener. The limit is lowered while the context is made,
 * so that the table has room for the next few numbers, and for no more.
 *
 * The end of a server, always in dispatch, never inside one of its callbacks:
 *   1. server_close: each connection says goodbye if it can at once, and is
 *      closed; then the first lws_context_destroy closes the rest (and one file
 * descriptor twice, see hold_event_fd). libuv reports handles closed a turn later; with
 * the last of them libwebsockets closes its own two, idle and timer: another turn.
 *   2. `reap` looks each millisecond whether those two are gone from the loop. The second
 *      lws_context_destroy frees the context. Called too early it unloads the plugin
 *      under the callbacks that are still to come: that is why we look for ourselves.
 *   3. The Server goes when nothing refers to it: neither context, connection, nor
 * delivery in the inbox. Deliveries of a closed server are dropped when their turn comes.
 *
 * Always: a connection that is to be closed while somebody further up still works on it
 * is doomed; conn_settle closes it. */
#include "server/server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loop/descriptors.h"
#include "server/channel.h"
#include "server/conn.h"
#include "server/exchange.h"
#include "server/losses.h"
#include "server/stream.h"

#define REAP_EVERY 0.001
enum { OWN_FDS = 64 }; /* places of a context's table beyond what is open already */

/* --- looking for libwebsockets' handles ------------------------------------------- */

typedef struct Search {
  uv_handle_t **found;
  size_t count, room;
} Search;

/* Of each kind one is made with a context: an idle and a timer handle, and the watcher of
 * an eventfd. The watchers of connections are listed too; they are known already. */
static void note_handle(uv_handle_t *handle, void *arg) {
  Search *search = arg;
  uv_handle_type type = uv_handle_get_type(handle);
  if (type != UV_IDLE && type != UV_TIMER && type != UV_POLL) return;
  if (search->count == search->room) {
    search->room = search->room ? search->room * 2 : 64;
    search->found = xrealloc(search->found, search->room * sizeof(uv_handle_t *));
  }
  search->found[search->count++] = handle;
}

static bool search_has(const Search *search, const uv_handle_t *handle) {
  for (size_t i = 0; i < search->count; i++)
    if (search->found[i] == handle) return true;
  return false;
}

/* The file descriptor that a watcher of libwebsockets', made since `before`, looks at. */
static int new_fd(const Server *server, const Search *before) {
  Search now = {.count = 0};
  int fd = -1;
  uv_walk(loop_uv(server->room->loop), note_handle, &now);
  for (size_t i = 0; i < now.count; i++)
    if (uv_handle_get_type(now.found[i]) == UV_POLL && !search_has(before, now.found[i]))
      uv_fileno(now.found[i], &fd);
  free(now.found);
  return fd;
}

/* Notes which handles are there now and were not before. */
static void find_own(Server *server, const Search *before) {
  Search now = {.count = 0};
  size_t n = 0;
  server->event_fd = new_fd(server, before);
  uv_walk(loop_uv(server->room->loop), note_handle, &now);
  for (size_t i = 0; i < now.count; i++) {
    uv_handle_t *handle = now.found[i];
    if (search_has(before, handle) || uv_handle_get_type(handle) == UV_POLL) continue;
    CHECK(n < COUNT_OF(server->own));
    server->own[n++] = handle;
  }
  free(now.found);
  CHECK(n == COUNT_OF(server->own) && server->event_fd >= 0);
}

static bool own_are_gone(const Server *server) {
  Search now = {.count = 0};
  bool gone = true;
  uv_walk(loop_uv(server->room->loop), note_handle, &now);
  for (size_t i = 0; i < COUNT_OF(server->own); i++)
    if (search_has(&now, server->own[i])) gone = false;
  free(now.found);
  return gone;
}

/* --- accepting, asked by libwebsockets -------------------------------------------- */

static void refuse_for_files(Server *server) {
  loss_note(server, SERVER_LOSS_FILES,
            "a connection is refused: this process has as many files open as it may: "
            "raise ulimit -n, or lower max_connections");
}

static void refuse_for_number(Server *server, int accepted) {
  char remote[INET6_ADDRSTRLEN];
  conn_put_remote(accepted, remote);
  loss_note(server, SERVER_LOSS_CONNECTIONS,
            "a connection of %s is refused: %zu are open, as many as max_connections "
            "allows: raise it, or lower idle_timeout",
            remote, server->connections);
}

static void take_connection(Server *server, int accepted) {
  if (server->closed) return;
  if (server->connections >= server->options.max_connections) {
    refuse_for_number(server, accepted);
    return;
  }
  int fd = fcntl(accepted, F_DUPFD_CLOEXEC, 3);
  if (fd >= 0 && files_spare(fd)) {
    conn_adopt(server, fd, SERVER_FAULT_NONE, 0);
    return;
  }
  if (fd >= 0) close(fd);
  refuse_for_files(server);
}

/* Always answers no: libwebsockets closes its descriptor, we keep the duplicate. */
static int take_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                         void *in, size_t len) {
  (void)user, (void)len;
  if (reason != LWS_CALLBACK_FILTER_NETWORK_CONNECTION) return 0;
  take_connection(lws_context_user(lws_get_context(wsi)), (int)(intptr_t)in);
  return -1;
}

/* --- opening ---------------------------------------------------------------------- */

static const struct lws_protocols protocols[] = {
    {"tidelock", take_callback, 0, 0, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

static rlim_t table_size(rlim_t allowed) {
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* gets the lowest that is free */
  if (fd >= 0) close(fd);
  rlim_t wanted = fd >= 0 ? (rlim_t)fd + OWN_FDS : allowed;
  return allowed < wanted ? allowed : wanted;
}

static bool make_context(Server *server) {
  void *loops[] = {loop_uv(server->room->loop)};
  struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN,
      .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
      .foreign_loops = loops,
      .user = server,
  };
  Search before = {.count = 0};
  uv_walk(loop_uv(server->room->loop), note_handle, &before);
  struct rlimit limit, lowered;
  getrlimit(RLIMIT_NOFILE, &limit);
  lowered = limit;
  lowered.rlim_cur = table_size(limit.rlim_cur);
  setrlimit(RLIMIT_NOFILE, &lowered);
  server->lws = lws_create_context(&info);
  setrlimit(RLIMIT_NOFILE, &limit);
  if (server->lws) find_own(server, &before);
  free(before.found);
  return server->lws != NULL;
}

static bool make_listener(Server *server, bool ipv6) {
  struct lws_context_creation_info info = {
      .port = server->options.port,
      .iface = server->host,
      .protocols = protocols,
      .vhost_name = "tidelock",
      .listen_accept_role = "raw-skt",
      .listen_accept_protocol = "tidelock",
      .options = LWS_SERVER_OPTION_ADOPT_APPLY_LISTEN_ACCEPT_CONFIG |
                 LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                 (ipv6 ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6),
      .ka_time = 60,
      .ka_probes = 3,
      .ka_interval = 10,
      .user = server,
  };
  Search before = {.count = 0};
  uv_walk(loop_uv(server->room->loop), note_handle, &before);
  struct lws_vhost *vhost = lws_create_vhost(server->lws, &info);
  if (vhost) {
    server->port = lws_get_vhost_listen_port(vhost);
    server->listen_fd = new_fd(server, &before);
  }
  free(before.found);
  return vhost != NULL;
}

static int listen_now(Server *server, Error *err) {
  bool ipv6 = false;
  if (server->options.port < 0 || server->options.port > 65535)
    return error_set(err, ERR_INVALID, "port must be 0 to 65535, not %d",
                     server->options.port);
  if (server_check(&server->options, err) != 0) return err->code;
  if (server->options.fake) return 0;
  if (server_try_bind(server->host, server->options.port, &ipv6, err) != 0)
    return err->code;
  if (!make_context(server))
    return error_set(err, ERR_UNSUPPORTED,
                     "libwebsockets cannot use the loop: install the package "
                     "libwebsockets-evlib-uv");
  if (make_listener(server, ipv6)) return 0;
  return error_set(err, ERR_BUSY, "cannot listen on %s port %d", server->host,
                   server->options.port);
}

/* --- closing ---------------------------------------------------------------------- */

static void reap_context(Server *server) {
  if (server->lws && own_are_gone(server)) {
    lws_context_destroy(server->lws);
    server->lws = NULL;
    server_unref(server);
  } else if (server->lws) {
    timer_start(server->room->loop, &server->reap, REAP_EVERY);
  }
}

static void on_reap(Timer *timer) {
  reap_context(CONTAINER_OF(timer, Server, reap));
}

/* The first lws_context_destroy closes the context's eventfd, and a turn later the same
 * number is closed once more, whoever may have got it meanwhile. So it is given to
 * nobody: what the second close takes is this. */
static void hold_event_fd(const Server *server) {
  if (fcntl(server->event_fd, F_GETFD) != -1) return;
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fd == server->event_fd) return;
  dup3(fd, server->event_fd, O_CLOEXEC);
  close(fd);
}

static void listener_close(Server *server) {
  CHECK(!server->closed);
  server->closed = true;
  losses_free(server->losses);
  server->losses = NULL;
  for (size_t i = 0; i < server->slot_count; i++)
    if (server->slots[i]) conn_farewell(server->slots[i]);
  if (!server->lws) {
    server_unref(server);
    return;
  }
  if (server->listen_fd >= 0)
    shutdown(server->listen_fd, SHUT_RDWR); /* the port is free from here on */
  lws_context_destroy(server->lws);
  hold_event_fd(server);
  timer_start(server->room->loop, &server->reap, REAP_EVERY);
}

static Server *listener_open(ServerRoom *room, const ServerOptions *options,
                             const ServerCallbacks *callbacks, void *ctx, Error *err);

/* --- the room and the table ------------------------------------------------------- */

static ServerRoom *room_new(Loop *loop) {
  lws_set_log_level(0, NULL); /* process-wide; what matters is in the errors */
  ServerRoom *room = xcalloc(1, sizeof *room);
  room->loop = loop;
  return room;
}

/* The reaping timers are not waited for: each turn looks for itself. */
static void room_free(ServerRoom *room) {
  for (Server *s = room->servers, *next; s; s = next) {
    next = s->next;
    if (!s->closed) listener_close(s);
  }
  while (room->servers) {
    uv_run(loop_uv(room->loop), UV_RUN_NOWAIT);
    for (Server *s = room->servers, *next; s; s = next) {
      next = s->next;
      timer_stop(room->loop, &s->reap);
      reap_context(s);
    }
  }
  free(room);
}

static int listener_port(const Server *server) {
  return server->port;
}

static size_t listener_connections(const Server *server) {
  return server->connections;
}

static size_t listener_buffered(const Server *server, uint64_t id) {
  const Conn *conn = conn_find(server, id);
  return conn ? conn_pending(conn) : 0;
}

static void note_loss(Server *server, ServerLoss kind, const char *words) {
  loss_note(server, kind, "%s", words);
}

static const ServerTable table = {
    .version = SERVER_TABLE_VERSION,
    .room_new = room_new,
    .room_free = room_free,
    .open = listener_open,
    .close = listener_close,
    .adopt = conn_adopt,
    .drop = conn_drop,
    .retune = server_set_limits,
    .port = listener_port,
    .connections = listener_connections,
    .respond = exchange_respond,
    .begin = stream_begin,
    .write = stream_write,
    .finish = stream_finish,
    .accept = exchange_accept,
    .send = channel_send,
    .buffered = listener_buffered,
    .hang_up = channel_hang_up,
    .note_loss = note_loss,
};

static Server *listener_open(ServerRoom *room, const ServerOptions *options,
                             const ServerCallbacks *callbacks, void *ctx, Error *err) {
  Server *server = server_new(room, options);
  server->table = &table;
  server->losses = losses_new(server);
  server->reap.fire = on_reap;
  server->first_ops = &exchange_ops;
  server->callbacks = *callbacks;
  server->ctx = ctx;
  if (listen_now(server, err) == 0) return server;
  listener_close(server);
  return NULL;
}

const ServerTable *tidelock_server_table(void);
const ServerTable *tidelock_server_table(void) {
  return &table;
}
