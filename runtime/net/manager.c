/* Managers: see manager.h. */
#include "net/manager.h"

#include <stdlib.h>
#include <string.h>

#include "net/socket_parts.h"

struct Manager {
  Manager *next; /* in the net's list */
  Net *net;
  SocketOptions options; /* of the first user; owned */
  char *address;         /* scheme://host:port; a plain one: all of it */
  char *query;
  Cookies *cookies;
  Socket *users, *members; /* by next_user, by next_member */
  Engine *engine;
  EngineOptions engine_options;
  SioAssembly *assembly;
  int paused;        /* by how many */
  bool upgraded;     /* a session went from polling to WebSocket */
  Unpacked unpacked; /* the msgpack parser's */
};

/* --- sharing ---------------------------------------------------------------------- */

static bool has_namespace(const Manager *m, const char *nsp) {
  for (const Socket *s = m->users; s; s = s->next_user)
    if (strcmp(s->nsp, nsp) == 0) return true;
  return false;
}

static bool same_text(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What tells most apart at the least price comes first: there may be thousands. */
static bool shareable(const Manager *m, const SocketOptions *o, const char *address,
                      const char *query, const char *nsp) {
  return o->group && o->group == m->options.group && m->options.multiplex &&
         !has_namespace(m, nsp) && strcmp(m->address, address) == 0 &&
         same_text(m->query, query) && !socket_options_moved_way(&m->options, o);
}

static Manager *manager_new(Net *net, const SocketOptions *options, char *address,
                            char *query) {
  Manager **all = net_managers(net);
  Manager *m = xcalloc(1, sizeof *m);
  m->net = net;
  m->address = address;
  m->query = query;
  m->cookies = cookies_new();
  socket_options_copy(&m->options, options);
  m->next = *all;
  *all = m;
  return m;
}

Manager *manager_use(Net *net, const SocketOptions *options, char *address, char *query,
                     const char *nsp, Socket *user) {
  bool alone = options->protocol == SOCKET_WEBSOCKET || !options->multiplex;
  Manager *m = alone ? NULL : *net_managers(net);
  while (m && !shareable(m, options, address, query, nsp)) m = m->next;
  if (m) {
    free(address);
    free(query);
  } else {
    m = manager_new(net, options, address, query);
  }
  user->next_user = m->users;
  m->users = user;
  return m;
}

static void take_user(Manager *m, const Socket *user) {
  Socket **at = &m->users;
  while (*at != user) at = &(*at)->next_user;
  *at = user->next_user;
}

void manager_leave(Manager *m, Socket *user) {
  Manager **at = net_managers(m->net);
  take_user(m, user);
  if (m->users) return;
  CHECK(!m->engine);
  while (*at != m) at = &(*at)->next;
  *at = m->next;
  socket_options_free(&m->options);
  cookies_free(m->cookies);
  packet_free(&m->unpacked);
  free(m->address);
  free(m->query);
  free(m);
}

/* --- the engine's end ------------------------------------------------------------- */

static void end_engine(Manager *m, int close_code, const char *reason) {
  Engine *engine = m->engine;
  m->engine = NULL;
  m->paused = 0;
  sio_assembly_free(m->assembly);
  m->assembly = NULL;
  if (engine_has_upgraded(engine)) m->upgraded = true;
  engine_free(engine, close_code, reason);
}

void manager_exit(Manager *m, Socket *s, int close_code, const char *reason) {
  Socket **at = &m->members;
  while (*at && *at != s) at = &(*at)->next_member;
  if (!*at) return;
  *at = s->next_member;
  if (!m->members) end_engine(m, close_code, reason);
}

/* Each takes itself out. What one of them owns of the loss it gets a copy of. */
static void lose_all(Manager *m, const EngineLoss *lost) {
  while (m->members) {
    Loss loss = {.reason = lost->reason, .code = lost->code, .err = lost->err};
    link_lose(m->members, &loss);
  }
}

void manager_fail(Manager *m, const char *reason, const Error *err) {
  EngineLoss loss = {.reason = reason, .err = *err};
  lose_all(m, &loss);
}

/* --- what comes ------------------------------------------------------------------- */

static void on_open(void *ctx) {
  Manager *m = ctx;
  for (Socket *s = m->members; s; s = s->next_member) link_opened(s);
}

static Socket *find_member(const Manager *m, const SioPacket *packet) {
  for (Socket *s = m->members; s; s = s->next_member)
    if (strlen(s->nsp) == packet->nsp_len &&
        memcmp(s->nsp, packet->nsp, packet->nsp_len) == 0)
      return s;
  return NULL; /* of a namespace that was left, or is none of ours */
}

/* By the parser: 1 when a packet is whole, with its attachments; 0: more is to come; -1.
 */
static int take(Manager *m, bool binary, const char *data, size_t len, SioPacket *packet,
                const SioBytes **attachments, Error *err) {
  int whole = -1;
  if (!m->options.msgpack) {
    whole = binary ? sio_take_binary(m->assembly, data, len, packet, err)
                   : sio_take_text(m->assembly, data, len, packet, err);
    *attachments = sio_attachments(m->assembly);
  } else if (binary) {
    whole = packet_unpack(data, len, &m->unpacked, packet, err) == 0 ? 1 : -1;
    *attachments = m->unpacked.bytes;
  } else {
    error_set(err, ERR_PROTOCOL, "a text, where the msgpack parser was agreed");
  }
  return whole;
}

static void on_message(void *ctx, bool binary, const char *data, size_t len) {
  Manager *m = ctx;
  SioPacket packet;
  const SioBytes *attachments;
  Error err;
  if (m->options.protocol == SOCKET_WEBSOCKET) {
    link_frame(m->members, binary, data, len);
    return;
  }
  int whole = take(m, binary, data, len, &packet, &attachments, &err);
  Socket *s = whole > 0 ? find_member(m, &packet) : NULL;
  if (whole < 0) manager_fail(m, "parse error", &err);
  else if (s) link_packet(s, &packet, attachments);
}

static void on_lost(void *ctx, const EngineLoss *lost) {
  lose_all(ctx, lost);
}

static void on_pong(void *ctx, const char *data, size_t len) {
  link_pong(((Manager *)ctx)->members, data, len);
}

static const EngineCallbacks callbacks = {on_open, on_message, on_lost, on_pong};

/* --- the engine's beginning ------------------------------------------------------- */

static void choose_transports(Manager *m) {
  const SocketOptions *o = &m->options;
  EioTransports all = o->transports[0] | o->transports[1];
  bool remembered = o->remember_upgrade && m->upgraded && all & EIO_WEBSOCKET;
  m->engine_options.first = remembered ? EIO_WEBSOCKET : o->transports[0];
  m->engine_options.others =
      o->try_all ? all & (EioTransports)~m->engine_options.first : EIO_NONE;
}

static void set_heartbeat(Manager *m, const SocketOptions *o) {
  m->engine_options.ping_interval = o->no_heartbeat ? 0 : o->heartbeat_interval;
  m->engine_options.ping_timeout = o->heartbeat_timeout;
}

/* The numbers are those of who opens it: a reload may have changed them. */
static void fill_options(Manager *m, const SocketOptions *o) {
  m->engine_options = (EngineOptions){
      .plain = o->protocol == SOCKET_WEBSOCKET,
      .front = m->address,
      .path = m->options.path,
      .no_slash = o->no_slash,
      .query = m->query,
      .upgrade = o->upgrade && (o->transports[0] | o->transports[1]) & EIO_WEBSOCKET,
      .request_timeout = o->request_timeout,
      .cookies = m->cookies,
      .ws = {.headers = (const char *const *)m->options.headers,
             .subprotocols = m->options.subprotocols,
             .connect_timeout = o->timeout,
             .max_message = o->max_message,
             .max_buffered = ((size_t)64 << 20) + 2 * o->buffer_bytes,
             .deflate = o->deflate,
             .route = m->options.route}};
  choose_transports(m);
  set_heartbeat(m, o);
}

/* Those who wait for their own attempt make it together with this one. */
static void call_others(Manager *m, const Socket *but) {
  for (Socket *s = m->users; s; s = s->next_user)
    if (s != but && timer_active(&s->retry)) timer_start(net_loop(m->net), &s->retry, 0);
}

static int open_engine(Manager *m, Socket *s, Error *err) {
  fill_options(m, &s->options);
  m->engine = engine_open(m->net, &m->engine_options, &callbacks, m, err);
  if (!m->engine) return (int)err->code;
  m->assembly = sio_assembly_new(s->options.max_message);
  call_others(m, s);
  return 0;
}

int manager_enter(Manager *m, Socket *s, bool *open, Error *err) {
  if (!m->engine && open_engine(m, s, err) != 0) return (int)err->code;
  s->next_member = m->members;
  m->members = s;
  *open = engine_is_open(m->engine);
  return 0;
}

/* --- use -------------------------------------------------------------------------- */

int manager_send(Manager *m, bool binary, const char *data, size_t len) {
  return m->engine ? engine_send(m->engine, binary, data, len) : (int)ERR_NOT_CONNECTED;
}

int manager_ping(Manager *m, const char *data, size_t len) {
  return m->engine ? engine_ping(m->engine, data, len) : (int)ERR_NOT_CONNECTED;
}

void manager_retune(Manager *m, const SocketOptions *o) {
  const EngineOptions *now = &m->engine_options;
  double interval = now->ping_interval, timeout = now->ping_timeout;
  set_heartbeat(m, o);
  bool changed = interval != now->ping_interval || timeout != now->ping_timeout;
  if (m->engine && changed) engine_retune(m->engine);
}

int manager_send_last(Manager *m, const Socket *s, bool binary, const char *data,
                      size_t len) {
  bool ends = m->engine && m->members == s && !s->next_member;
  return ends ? engine_send_last(m->engine, binary, data, len)
              : manager_send(m, binary, data, len);
}

void manager_pause(Manager *m, bool paused) {
  m->paused += paused ? 1 : -1;
  if (m->engine && m->paused == (paused ? 1 : 0)) engine_pause(m->engine, paused);
}

size_t manager_buffered(const Manager *m) {
  return m->engine ? engine_buffered(m->engine) : 0;
}

const Engine *manager_engine(const Manager *m) {
  return m->engine;
}
