/* See manager.h.
 *
 * Leaving one namespace while others keep the connection takes several steps. Servers
 * take two packets for a violation, which ends the connection: a CONNECT for a namespace
 * whose last CONNECT is not answered or that the server has not left yet, and a
 * DISCONNECT for one that the server has closed itself. And npm's server drops events
 * that it reads in one piece with the DISCONNECT behind them.
 *
 * So a namespace that its Socket has left is an *orphan* for a while: packets for it are
 * thrown away, and a Socket that wants to join it again waits until that is over. The
 * phases of an orphan stand in orphan.h. */
#include "socket/manager.h"

#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "core/hash.h"
#include "core/index.h"
#include "socket/manager_share.h"
#include "socket/orphan.h"
#include "socket/socket_packet.h"

/* Lists of its users. */
enum { USERS, MEMBERS };
typedef struct ManagerUsers {
  ManagerUser *first, *last;
} ManagerUsers;

/* Of those that lead to one place, how many are looked at for one that has not got the
 * namespace yet: only who has one namespace that often has as many. */
enum { MOST_LOOKED_AT = 64 };

struct Manager {
  Net *net;
  Sharer share;
  SocketOptions options; /* of the first user; owned */
  char *address;         /* scheme://host:port; a plain one: all of it */
  char *query;
  Cookies *cookies;
  ManagerUsers users, members; /* both in the order of declaration */
  Index by_namespace;          /* of the users */
  Engine *engine;
  EngineOptions engine_options;
  SioAssembly *assembly;
  size_t assembled; /* its memory, which is charged */
  Orphans orphans;
  BeforeWait farewell; /* to orphans that were answered */
  uint32_t fences;     /* the last one's number */
  int paused;          /* by how many */
  bool upgraded;       /* a session went from polling to WebSocket */
  Unpacked unpacked;   /* the msgpack parser's */
};

/* --- users and members ------------------------------------------------------------ */

static void put_behind(ManagerUsers *list, ManagerUser *before, ManagerUser *s,
                       int which) {
  ManagerLinks *links = &s->in[which];
  *links = (ManagerLinks){before, before ? before->in[which].next : list->first};
  if (links->prev) links->prev->in[which].next = s;
  else list->first = s;
  if (links->next) links->next->in[which].prev = s;
  else list->last = s;
}

static void take_out(ManagerUsers *list, ManagerUser *s, int which) {
  ManagerLinks *links = &s->in[which];
  if (links->prev) links->prev->in[which].next = links->next;
  else list->first = links->next;
  if (links->next) links->next->in[which].prev = links->prev;
  else list->last = links->prev;
  *links = (ManagerLinks){0};
}

static ManagerUser *next_of(const ManagerUser *s, int which) {
  return s->in[which].next;
}

static ManagerUser *find_user(const Manager *m, const char *nsp, size_t len) {
  IndexNode *node = index_first(&m->by_namespace, hash_bytes(HASH_START, nsp, len));
  for (; node; node = index_next(node)) {
    ManagerUser *s = CONTAINER_OF(node, ManagerUser, by_namespace);
    if (strlen(s->nsp) == len && memcmp(s->nsp, nsp, len) == 0) return s;
  }
  return NULL;
}

static ManagerUser *find_member(const Manager *m, const char *nsp, size_t len) {
  ManagerUser *s = find_user(m, nsp, len);
  return s && s->member ? s : NULL;
}

/* The nearest member declared before it, or NULL. It is looked for in both directions, so
 * that those who enter in no order, or backwards, do not pass all others each. */
static ManagerUser *member_before(const Manager *m, const ManagerUser *s) {
  const ManagerUser *down = s, *up = s;
  for (;;) {
    down = down->in[USERS].prev;
    if (!down || down->member) return (ManagerUser *)down;
    up = up->in[USERS].next;
    if (!up) return m->members.last;
    if (up->member) return up->in[MEMBERS].prev;
  }
}

static void add_member(Manager *m, ManagerUser *s) {
  put_behind(&m->members, member_before(m, s), s, MEMBERS);
  s->member = true;
}

/* --- sharing ---------------------------------------------------------------------- */

static Manager *manager_new(Net *net, const SocketOptions *options, char *address,
                            char *query) {
  Manager *m = xcalloc(1, sizeof *m);
  m->net = net;
  m->address = address;
  m->query = query;
  m->cookies = cookies_new();
  socket_options_copy(&m->options, options);
  charge_ref(m->options.charge);
  m->unpacked.charge = m->options.charge;
  m->share = (Sharer){.options = &m->options, .address = address, .query = query};
  return m;
}

static Manager *find_shareable(Net *net, const Sharer *like, const char *nsp) {
  Sharer *at = share_find(net, like);
  for (int i = 0; at && i < MOST_LOOKED_AT; i++, at = at->older) {
    Manager *m = CONTAINER_OF(at, Manager, share);
    if (!find_user(m, nsp, strlen(nsp))) return m;
  }
  return NULL;
}

Manager *manager_use(Net *net, const SocketOptions *options, char *address, char *query,
                     ManagerUser *user) {
  bool shares =
      options->protocol == SOCKET_IO && options->multiplex && options->group != NULL;
  Sharer like = {.options = options, .address = address, .query = query};
  Manager *m = shares ? find_shareable(net, &like, user->nsp) : NULL;
  if (m) {
    free(address);
    free(query);
  } else {
    m = manager_new(net, options, address, query);
    if (shares) share_add(net, &m->share);
  }
  put_behind(&m->users, m->users.last, user, USERS);
  index_add(&m->by_namespace, &user->by_namespace,
            hash_bytes(HASH_START, user->nsp, strlen(user->nsp)));
  return m;
}

void manager_leave(Manager *m, ManagerUser *user) {
  take_out(&m->users, user, USERS);
  index_remove(&m->by_namespace, &user->by_namespace);
  if (m->users.first) return;
  CHECK(!m->engine);
  share_remove(m->net, &m->share);
  index_free(&m->by_namespace);
  packet_free(&m->unpacked);
  charge_unref(m->options.charge);
  socket_options_free(&m->options);
  cookies_free(m->cookies);
  free(m->address);
  free(m->query);
  free(m);
}

/* --- orphans ---------------------------------------------------------------------- */

/* NULL: there is none, or what was one is over. */
static Orphan *find_alive(const Manager *m, const char *nsp, size_t len) {
  Orphan *orphan = orphan_find(&m->orphans, nsp, len);
  return orphan && orphan->phase != ORPHAN_GONE ? orphan : NULL;
}

bool manager_has_orphan(const Manager *m, const char *nsp) {
  return find_alive(m, nsp, strlen(nsp)) != NULL;
}

bool manager_was_left(const Manager *m, const char *nsp) {
  return orphan_find(&m->orphans, nsp, strlen(nsp)) != NULL;
}

void manager_orphan(Manager *m, const char *nsp) {
  orphan_set(&m->orphans, orphan_of(&m->orphans, nsp), ORPHAN_ASKED, 0);
}

/* It is waited for until the server has taken what was sent until now. */
static void set_fence(Manager *m, Orphan *orphan, OrphanPhase phase) {
  if (++m->fences == 0) m->fences = 1;
  orphan_set(&m->orphans, orphan, phase, m->fences);
  engine_fence(m->engine, m->fences);
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
  bool ends = m->members.first == user && m->members.last == user;
  if (ends) say_disconnect(m, user->nsp, true);
  else set_fence(m, orphan_of(&m->orphans, user->nsp), ORPHAN_TAKING);
}

static void begin_ending(Manager *m, Orphan *orphan) {
  say_disconnect(m, orphan->nsp, false);
  set_fence(m, orphan, ORPHAN_ENDING);
}

/* With the connection: those that the server holds for joined, the last one first. */
static void say_last_disconnects(Manager *m) {
  for (Orphan *o = m->orphans.answered.last; o; o = o->before)
    say_disconnect(m, o->nsp, true);
  for (Orphan *o = m->orphans.fenced.last; o; o = o->before)
    if (o->phase == ORPHAN_TAKING) say_disconnect(m, o->nsp, true);
}

/* It is gone: who waits to join its namespace may ask now. */
static void end_orphan(Manager *m, Orphan *orphan) {
  orphan_set(&m->orphans, orphan, ORPHAN_GONE, 0);
  ManagerUser *user = find_member(m, orphan->nsp, strlen(orphan->nsp));
  if (user) user->events->opened(user);
}

static void on_farewell(BeforeWait *work) {
  Manager *m = CONTAINER_OF(work, Manager, farewell);
  while (m->orphans.answered.first) begin_ending(m, m->orphans.answered.first);
}

/* One fence stands for all before it. */
static void on_passed(void *ctx, uint32_t number) {
  Manager *m = ctx;
  for (Orphan *o; (o = m->orphans.fenced.first) && (int32_t)(number - o->fence) >= 0;)
    if (o->phase == ORPHAN_ENDING) end_orphan(m, o);
    else begin_ending(m, o);
}

/* What else comes for it is for nobody. */
static void orphan_packet(Manager *m, Orphan *orphan, SioType type) {
  OrphanPhase phase = orphan->phase;
  if (type == SIO_CONNECT && phase == ORPHAN_ASKED) {
    orphan_set(&m->orphans, orphan, ORPHAN_ANSWERED, 0);
    m->farewell.run = on_farewell;
    net_before_wait(m->net, &m->farewell);
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
  net_before_wait_cancel(&m->farewell);
  orphans_free(&m->orphans);
  if (engine_has_upgraded(engine)) m->upgraded = true;
  engine_free(engine, close_code, reason);
}

void manager_exit(Manager *m, ManagerUser *user, int close_code, const char *reason) {
  if (!user->member) return;
  user->member = false;
  take_out(&m->members, user, MEMBERS);
  if (!m->members.first) end_engine(m, close_code, reason);
}

/* Each takes itself out. */
static void lose_all(Manager *m, const EngineLoss *loss) {
  for (ManagerUser *u; (u = m->members.first);) u->events->lost(u, loss);
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
  for (ManagerUser *u = m->members.first; u; u = next_of(u, MEMBERS))
    u->events->opened(u);
}

/* By the parser: 1 when a packet is whole, with its attachments; 0: more is to come; -1.
 */
static int take_packet(Manager *m, bool binary, const char *data, size_t len,
                       SioPacket *packet, const SioBytes **attachments, Error *err) {
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

static void hand_packet(Manager *m, const SioPacket *packet,
                        const SioBytes *attachments) {
  Orphan *orphan = find_alive(m, packet->nsp, packet->nsp_len);
  ManagerUser *user = find_member(m, packet->nsp, packet->nsp_len);
  if (orphan) orphan_packet(m, orphan, packet->type);
  else if (user) user->events->packet(user, packet, attachments);
}

static void on_engine_message(void *ctx, bool binary, const char *data, size_t len) {
  Manager *m = ctx;
  SioPacket packet;
  const SioBytes *attachments;
  Error err;
  if (m->options.protocol == SOCKET_WEBSOCKET) {
    m->members.first->events->frame(m->members.first, binary, data, len);
    return;
  }
  int whole = take_packet(m, binary, data, len, &packet, &attachments, &err);
  bool ours = whole < 0 && err.code == ERR_MEMORY;
  if (whole < 0) manager_fail(m, ours ? "transport error" : "parse error", &err);
  if (whole > 0) hand_packet(m, &packet, attachments);
  packet_done(&m->unpacked);
}

static void on_lost(void *ctx, const EngineLoss *lost) {
  lose_all(ctx, lost);
}

static void on_pong(void *ctx, const char *data, size_t len) {
  ManagerUser *user = ((Manager *)ctx)->members.first;
  user->events->pong(user, data, len);
}

/* Calls report their ends themselves, and what is tried until it is acknowledged goes out
 * again: those have an id. */
static void on_unsent(void *ctx, bool binary, const char *data, size_t len) {
  Manager *m = ctx;
  SioPacket packet;
  Error ignored;
  ManagerUser *user = NULL;
  if (m->options.protocol == SOCKET_WEBSOCKET) {
    user = m->members.first;
    if (user) user->events->unsent(user, data, len);
    return;
  }
  bool packed = m->options.msgpack, whole = data && binary == packed && len > 1;
  if (whole && packed)
    whole = packet_unpack(data, len, &m->unpacked, &packet, &ignored) == 0;
  else if (whole)
    whole = *data == EIO_MESSAGE && sio_parse(data + 1, len - 1, &packet, &ignored) == 0;
  if (whole) user = find_member(m, packet.nsp, packet.nsp_len);
  bool event = whole && (packet.type == SIO_EVENT || packet.type == SIO_BINARY_EVENT);
  if (user && event && packet.ack == SIO_NO_ACK) user->events->unsent(user, data, len);
}

static const EngineCallbacks callbacks = {on_open, on_engine_message, on_lost,
                                          on_pong, on_passed,         on_unsent};

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
  for (ManagerUser *u = m->users.first; u; u = next_of(u, USERS))
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
  add_member(m, user);
  *open = engine_is_open(m->engine) && !manager_has_orphan(m, user->nsp);
  return 0;
}

/* --- use -------------------------------------------------------------------------- */

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

Engine *manager_engine(const Manager *m) {
  return m->engine;
}
