/* Managers: see manager.h.
 *
 * Orphans. A socket may leave its namespace while others keep the connection. The server
 * takes much of what may happen then for a violation, which ends the connection: CONNECT
 * for a namespace that has not been answered for, or that it has not left yet, DISCONNECT
 * for one that it has closed itself. And npm's drops events that it reads together with
 * the DISCONNECT behind them. So the namespace is an orphan first: what comes for it is
 * for nobody, and whoever wants to join it waits. One that was asked for is waited for
 * (ASKED), one that was joined until the server has taken what was sent (TAKING, by
 * engine_fence); then DISCONNECT goes out, and it is over when the server has taken that,
 * too (ENDING); what is known of it then is that it was left (GONE). What follows an
 * answer at once may be that the server has thrown us out: this is looked at before
 * (ANSWERED, to the end of the turn). */
#include "socket/manager.h"

#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "socket/socket_packet.h"

typedef enum OrphanPhase {
  ORPHAN_ASKED,
  ORPHAN_ANSWERED,
  ORPHAN_TAKING,
  ORPHAN_ENDING,
  ORPHAN_GONE
} OrphanPhase;

typedef struct Orphan {
  struct Orphan *next;
  OrphanPhase phase;
  uint32_t fence; /* that is waited for; 0: none */
  char nsp[];
} Orphan;

struct Manager {
  Manager *next; /* in the net's list */
  Net *net;
  SocketOptions options; /* of the first user; owned */
  char *address;         /* scheme://host:port; a plain one: all of it */
  char *query;
  Cookies *cookies;
  ManagerUser *users,
      *members;  /* in the order of declaration; by next_user, next_member */
  size_t places; /* of users; the next one's */
  Engine *engine;
  EngineOptions engine_options;
  SioAssembly *assembly;
  size_t assembled; /* its memory, which is charged */
  Orphan *orphans;
  TurnEnd farewell;  /* to orphans that were answered */
  uint32_t fences;   /* the last one's number */
  int paused;        /* by how many */
  bool upgraded;     /* a session went from polling to WebSocket */
  Unpacked unpacked; /* the msgpack parser's */
};

/* --- sharing ---------------------------------------------------------------------- */

static bool has_namespace(const Manager *m, const char *nsp) {
  for (const ManagerUser *u = m->users; u; u = u->next_user)
    if (strcmp(u->nsp, nsp) == 0) return true;
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
  charge_ref(m->options.charge);
  m->next = *all;
  *all = m;
  return m;
}

static ManagerUser **last_user(Manager *m) {
  ManagerUser **at = &m->users;
  while (*at) at = &(*at)->next_user;
  return at;
}

Manager *manager_use(Net *net, const SocketOptions *options, char *address, char *query,
                     ManagerUser *user) {
  bool alone = options->protocol == SOCKET_WEBSOCKET || !options->multiplex;
  Manager *m = alone ? NULL : *net_managers(net);
  while (m && !shareable(m, options, address, query, user->nsp)) m = m->next;
  if (m) {
    free(address);
    free(query);
  } else {
    m = manager_new(net, options, address, query);
  }
  user->place = m->places++;
  *last_user(m) = user;
  return m;
}

static void take_user(Manager *m, const ManagerUser *user) {
  ManagerUser **at = &m->users;
  while (*at != user) at = &(*at)->next_user;
  *at = user->next_user;
}

void manager_leave(Manager *m, ManagerUser *user) {
  Manager **at = net_managers(m->net);
  take_user(m, user);
  if (m->users) return;
  CHECK(!m->engine);
  while (*at != m) at = &(*at)->next;
  *at = m->next;
  charge_unref(m->options.charge);
  socket_options_free(&m->options);
  cookies_free(m->cookies);
  packet_free(&m->unpacked);
  free(m->address);
  free(m->query);
  free(m);
}

/* --- orphans ---------------------------------------------------------------------- */

static Orphan *find_orphan(const Manager *m, const char *nsp, size_t len) {
  Orphan *orphan = m->orphans;
  while (orphan && (strlen(orphan->nsp) != len || memcmp(orphan->nsp, nsp, len) != 0))
    orphan = orphan->next;
  return orphan;
}

/* NULL: there is none, or what was one is over. */
static Orphan *find_alive(const Manager *m, const char *nsp, size_t len) {
  Orphan *orphan = find_orphan(m, nsp, len);
  return orphan && orphan->phase != ORPHAN_GONE ? orphan : NULL;
}

bool manager_has_orphan(const Manager *m, const char *nsp) {
  return find_alive(m, nsp, strlen(nsp)) != NULL;
}

bool manager_was_left(const Manager *m, const char *nsp) {
  return find_orphan(m, nsp, strlen(nsp)) != NULL;
}

static Orphan *orphan_new(Manager *m, const char *nsp, OrphanPhase phase) {
  Orphan *gone = find_orphan(m, nsp, strlen(nsp));
  if (gone) {
    gone->phase = phase;
    return gone;
  }
  Orphan *orphan = xmalloc(sizeof *orphan + strlen(nsp) + 1);
  *orphan = (Orphan){.next = m->orphans, .phase = phase};
  memcpy(orphan->nsp, nsp, strlen(nsp) + 1);
  m->orphans = orphan;
  return orphan;
}

void manager_orphan(Manager *m, const char *nsp) {
  orphan_new(m, nsp, ORPHAN_ASKED);
}

static void set_fence(Manager *m, Orphan *orphan) {
  if (++m->fences == 0) m->fences = 1;
  orphan->fence = m->fences;
  engine_fence(m->engine, orphan->fence);
}

static void free_orphans(Manager *m) {
  net_turn_end_cancel(&m->farewell);
  while (m->orphans) {
    Orphan *orphan = m->orphans;
    m->orphans = orphan->next;
    free(orphan);
  }
}

static void say_disconnect(Manager *m, const char *nsp, bool last) {
  Buffer out = {0};
  bool packed = m->options.msgpack;
  if (packed) sio_pack(&out, SIO_DISCONNECT, nsp, SIO_NO_ACK, false);
  else sio_encode(&out, SIO_DISCONNECT, nsp, SIO_NO_ACK, NULL, 0);
  if (last) engine_send_last(m->engine, packed, out.data, out.len);
  else engine_send(m->engine, packed, out.data, out.len);
  buffer_free(&out);
}

void manager_disconnect(Manager *m, const ManagerUser *user) {
  bool ends = m->members == user && !user->next_member;
  if (ends) say_disconnect(m, user->nsp, true);
  else set_fence(m, orphan_new(m, user->nsp, ORPHAN_TAKING));
}

static void begin_ending(Manager *m, Orphan *orphan) {
  say_disconnect(m, orphan->nsp, false);
  orphan->phase = ORPHAN_ENDING;
  set_fence(m, orphan);
}

/* With the connection: those that the server holds for joined. */
static void say_last_disconnects(Manager *m) {
  for (Orphan *o = m->orphans; o; o = o->next)
    if (o->phase == ORPHAN_ANSWERED || o->phase == ORPHAN_TAKING)
      say_disconnect(m, o->nsp, true);
}

/* It is gone: who waits to join its namespace may ask now. */
static void end_orphan(Manager *m, Orphan *orphan) {
  orphan->phase = ORPHAN_GONE;
  orphan->fence = 0;
  for (ManagerUser *u = m->members; u; u = u->next_member)
    if (strcmp(u->nsp, orphan->nsp) == 0) u->events->opened(u);
}

static void on_farewell(TurnEnd *work) {
  Manager *m = CONTAINER_OF(work, Manager, farewell);
  for (Orphan *o = m->orphans; o; o = o->next)
    if (o->phase == ORPHAN_ANSWERED) begin_ending(m, o);
}

/* One fence stands for all before it. */
static void on_passed(void *ctx, uint32_t number) {
  Manager *m = ctx;
  for (Orphan *o = m->orphans; o; o = o->next) {
    if (!o->fence || (int32_t)(number - o->fence) < 0) continue;
    if (o->phase == ORPHAN_ENDING) end_orphan(m, o);
    else begin_ending(m, o);
  }
}

/* What else comes for it is for nobody. */
static void orphan_packet(Manager *m, Orphan *orphan, SioType type) {
  OrphanPhase phase = orphan->phase;
  if (type == SIO_CONNECT && phase == ORPHAN_ASKED) {
    orphan->phase = ORPHAN_ANSWERED;
    m->farewell.run = on_farewell;
    net_at_turn_end(m->net, &m->farewell);
  } else if (type == SIO_CONNECT_ERROR && phase == ORPHAN_ASKED) {
    end_orphan(m, orphan);
  } else if (type == SIO_DISCONNECT && phase != ORPHAN_ENDING) {
    end_orphan(m, orphan);
  }
}

/* --- the engine's end ------------------------------------------------------------- */

static void end_engine(Manager *m, int close_code, const char *reason) {
  Engine *engine = m->engine;
  say_last_disconnects(m);
  m->engine = NULL;
  m->paused = 0;
  sio_assembly_free(m->assembly);
  m->assembly = NULL;
  charge_set(m->options.charge, &m->assembled, 0);
  free_orphans(m);
  if (engine_has_upgraded(engine)) m->upgraded = true;
  engine_free(engine, close_code, reason);
}

void manager_exit(Manager *m, ManagerUser *user, int close_code, const char *reason) {
  ManagerUser **at = &m->members;
  while (*at && *at != user) at = &(*at)->next_member;
  if (!*at) return;
  *at = user->next_member;
  if (!m->members) end_engine(m, close_code, reason);
}

/* Each takes itself out. */
static void lose_all(Manager *m, const EngineLoss *loss) {
  while (m->members) m->members->events->lost(m->members, loss);
}

void manager_fail(Manager *m, const char *reason, const Error *err) {
  EngineLoss loss = {.reason = reason, .err = *err};
  lose_all(m, &loss);
}

void manager_is_older(Manager *m) {
  EngineLoss loss = {.reason = "parse error", .final = true};
  eio_older(&loss.err);
  lose_all(m, &loss);
}

/* --- what comes ------------------------------------------------------------------- */

static void on_open(void *ctx) {
  Manager *m = ctx;
  for (ManagerUser *u = m->members; u; u = u->next_member) u->events->opened(u);
}

static ManagerUser *find_member(const Manager *m, const SioPacket *packet) {
  for (ManagerUser *u = m->members; u; u = u->next_member)
    if (strlen(u->nsp) == packet->nsp_len &&
        memcmp(u->nsp, packet->nsp, packet->nsp_len) == 0)
      return u;
  return NULL; /* of a namespace that was left, or is none of ours */
}

/* By the parser: 1 when a packet is whole, with its attachments; 0: more is to come; -1.
 */
static int take(Manager *m, bool binary, const char *data, size_t len, SioPacket *packet,
                const SioBytes **attachments, Error *err) {
  int whole = -1;
  if (charge_is_over(m->options.charge, len)) {
    error_set(err, ERR_MEMORY, "no memory for a packet of %zu bytes", len);
  } else if (!m->options.msgpack) {
    whole = binary ? sio_take_binary(m->assembly, data, len, packet, err)
                   : sio_take_text(m->assembly, data, len, packet, err);
    *attachments = sio_attachments(m->assembly);
    charge_set(m->options.charge, &m->assembled, sio_assembly_held(m->assembly));
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
    m->members->events->frame(m->members, binary, data, len);
    return;
  }
  int whole = take(m, binary, data, len, &packet, &attachments, &err);
  bool ours = whole < 0 && err.code == ERR_MEMORY;
  if (whole < 0) manager_fail(m, ours ? "transport error" : "parse error", &err);
  if (whole <= 0) return;
  Orphan *orphan = find_alive(m, packet.nsp, packet.nsp_len);
  ManagerUser *user = find_member(m, &packet);
  if (orphan) orphan_packet(m, orphan, packet.type);
  else if (user) user->events->packet(user, &packet, attachments);
}

static void on_lost(void *ctx, const EngineLoss *lost) {
  lose_all(ctx, lost);
}

static void on_pong(void *ctx, const char *data, size_t len) {
  Manager *m = ctx;
  m->members->events->pong(m->members, data, len);
}

/* Calls are told by themselves, and what is tried until it is acknowledged goes out
 * again: those have an id. */
static void on_unsent(void *ctx, bool binary, const char *data, size_t len) {
  Manager *m = ctx;
  SioPacket packet;
  Error ignored;
  ManagerUser *user = NULL;
  if (m->options.protocol == SOCKET_WEBSOCKET) {
    if (m->members) m->members->events->unsent(m->members, data, len);
    return;
  }
  bool packed = m->options.msgpack, whole = data && binary == packed && len > 1;
  if (whole && packed)
    whole = packet_unpack(data, len, &m->unpacked, &packet, &ignored) == 0;
  else if (whole)
    whole = *data == EIO_MESSAGE && sio_parse(data + 1, len - 1, &packet, &ignored) == 0;
  if (whole) user = find_member(m, &packet);
  bool event = whole && (packet.type == SIO_EVENT || packet.type == SIO_BINARY_EVENT);
  if (user && event && packet.ack == SIO_NO_ACK) user->events->unsent(user, data, len);
}

static const EngineCallbacks callbacks = {on_open, on_message, on_lost,
                                          on_pong, on_passed,  on_unsent};

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
             .charge = o->charge,
             .max_buffered = ((size_t)64 << 20) + 2 * o->buffer_bytes,
             .deflate = o->deflate,
             .route = m->options.route}};
  choose_transports(m);
  set_heartbeat(m, o);
}

/* Those who wait for their own attempt make it together with this one. */
static void hurry_others(Manager *m, const ManagerUser *but) {
  for (ManagerUser *u = m->users; u; u = u->next_user)
    if (u != but) u->events->hurry(u);
}

static int open_engine(Manager *m, ManagerUser *user, const SocketOptions *options,
                       Error *err) {
  fill_options(m, options);
  m->engine = engine_open(m->net, &m->engine_options, &callbacks, m, err);
  if (!m->engine) return (int)err->code;
  m->assembly = sio_assembly_new(options->max_message);
  hurry_others(m, user);
  return 0;
}

int manager_enter(Manager *m, ManagerUser *user, const SocketOptions *options, bool *open,
                  Error *err) {
  if (!m->engine && open_engine(m, user, options, err) != 0) return (int)err->code;
  ManagerUser **at = &m->members;
  while (*at && (*at)->place < user->place) at = &(*at)->next_member;
  user->next_member = *at;
  *at = user;
  *open = engine_is_open(m->engine) && !manager_has_orphan(m, user->nsp);
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
  m->engine_options.request_timeout = o->request_timeout;
  bool changed = interval != now->ping_interval || timeout != now->ping_timeout;
  if (m->engine && changed) engine_retune(m->engine);
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
