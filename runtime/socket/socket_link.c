/* The link of a Socket: one attempt to connect and the connection that it becomes, on a
 * manager's engine. This is the poll side: what comes becomes an Incoming.
 *
 * A link ends exactly once, by link_cut (this side wants no more of it: nothing is
 * reported) or by link_lose (anything else: an INCOMING_LOST behind all that came
 * before). Both leave s->engine NULL and the link's timer stopped. */
#include "socket/socket_link.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/socketio_check.h"
#include "socket/socket_call.h"
#include "socket/socket_early.h"
#include "socket/socket_incoming.h"
#include "socket/socket_recovery.h"

enum { CLOSE_NORMAL = 1000, CLOSE_PROTOCOL = 1002, MOST_CONTROL = 1 << 20 };

/* --- the end ---------------------------------------------------------------------- */

void link_cut(Socket *s, int close_code, const char *reason) {
  bool linked = s->engine != NULL, paused = s->paused;
  if (linked && s->asked) manager_orphan(s->manager, s->nsp);
  s->engine = NULL;
  s->asked = s->joined = s->awaiting_auth = s->paused = false;
  if (paused && linked) manager_pause(s->manager, false);
  timer_stop(net_loop(s->net), &s->attempt);
  early_drop(s);
  if (linked) manager_exit(s->manager, &s->user, close_code, reason);
}

/* Ends the link and reports it, behind all that came before. Takes loss->data. */
static void link_lose(Socket *s, const Loss *loss) {
  bool violated = strcmp(loss->reason, "parse error") == 0;
  link_cut(s, violated ? CLOSE_PROTOCOL : CLOSE_NORMAL, NULL);
  incoming_push(s, INCOMING_LOST, 0, loss, sizeof *loss);
}

void link_fail(Socket *s, const char *reason, const Error *err) {
  Loss loss = {.reason = reason, .err = *err};
  link_lose(s, &loss);
}

/* A server that has lost its way is left altogether. */
static void link_abandon(Socket *s, const char *reason, const Error *err) {
  if (s->engine) manager_fail(s->manager, reason, err);
  else link_fail(s, reason, err);
}

/* --- timers ----------------------------------------------------------------------- */

/* Where the loop itself came late the transport's time is up as well, and it says more:
 * it has its turn first, once. */
static bool was_held_up(Socket *s) {
  Loop *loop = net_loop(s->net);
  bool late = loop_now(loop) - s->attempt.due > 0.02;
  if (!late || s->attempt_waits) return false;
  s->attempt_waits = true;
  timer_start(loop, &s->attempt, 0.1);
  return true;
}

/* To be asked again for a namespace that it has not answered for would confuse the
 * server: then the connection is given up with it. */
static void on_attempt(Timer *timer) {
  Socket *s = CONTAINER_OF(timer, Socket, attempt);
  if (was_held_up(s)) return;
  bool asked = s->asked || manager_has_orphan(s->manager, s->nsp);
  Error err;
  error_set(&err, ERR_TIMEOUT, "not connected within %g seconds: %s", s->options.timeout,
            s->awaiting_auth ? "auth did not answer"
            : asked          ? "the server did not let us into the namespace"
                             : "the server did not start the protocol");
  err.phase = s->awaiting_auth ? "auth" : "handshake";
  if (asked) link_abandon(s, "connect error", &err);
  else link_fail(s, "connect error", &err);
}

/* --- packets ---------------------------------------------------------------------- */

static void enter_namespace(Socket *s, const char *json, size_t len) {
  s->joined = true;
  s->asked = false;
  timer_stop(net_loop(s->net), &s->attempt);
  incoming_push(s, INCOMING_JOINED, 0, json, len);
  early_release(s);
}

/* {"sid",...}: servers of protocol 5 name one, older ones do not. One that comes again
 * gives another id: a server may let in twice. */
static void on_connect(Socket *s, const SioPacket *packet) {
  Error err = {0};
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *root =
      packet->json_len ? json_parse(arena, packet->json, packet->json_len, &err) : NULL;
  const cJSON *sid = cJSON_GetObjectItemCaseSensitive(root, "sid");
  bool named = cJSON_IsNumber(sid) || (cJSON_IsString(sid) && *sid->valuestring);
  json_arena_free(arena);
  if (err.code) link_abandon(s, "parse error", &err);
  else if (named) enter_namespace(s, packet->json, packet->json_len);
  else manager_is_older(s->manager);
}

/* The raw text of the value under "data" of a JSON object that is known to be
 * well-formed; NULL when there is none. The arena's tree cannot say where a value stood.
 */
static const char *raw_data(const char *json, size_t len, size_t *data_len) {
  const char *from = NULL, *key = NULL;
  int depth = 0;
  for (size_t i = 0; i < len; i++) {
    char c = json[i];
    bool ends = (c == ',' && depth == 1) || (c == '}' && depth == 1);
    if (ends && from) {
      *data_len = (size_t)(json + i - from);
      return from;
    }
    if (c == '"') {
      size_t start = i;
      for (i++; i < len && json[i] != '"'; i++)
        if (json[i] == '\\') i++;
      if (depth == 1 && !from) key = i - start == 5 ? json + start + 1 : NULL;
    } else if (c == ':' && depth == 1 && key && memcmp(key, "data", 4) == 0 && !from) {
      from = json + i + 1;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if (c == '}' || c == ']') {
      depth--;
    }
  }
  return NULL;
}

/* What a server says when it refuses or disconnects: {"message","data"?}, or a bare
 * string from python-socketio and from servers before version 3 of the protocol. NULL: it
 * says no message. Borrows from the arena. */
static const char *read_words(JsonArena *arena, const SioPacket *packet, Loss *loss) {
  Error ignored;
  size_t len = 0;
  const cJSON *root = json_parse(arena, packet->json, packet->json_len, &ignored);
  if (!root) return NULL;
  const char *data =
      cJSON_IsObject(root) ? raw_data(packet->json, packet->json_len, &len) : NULL;
  if (data) loss->data = xstrndup(data, len), loss->data_len = len;
  const cJSON *item =
      cJSON_IsString(root) ? root : cJSON_GetObjectItemCaseSensitive(root, "message");
  return cJSON_IsString(item) ? json_string(arena, item, false, &len) : NULL;
}

/* Where the namespace was left before on this connection the server may have sent that
 * to who was there. */
static void on_disconnect(Socket *s, const SioPacket *packet) {
  Loss loss = {.reason = "io server disconnect", .final = true};
  if (s->again && !s->joined) return;
  s->asked = false;
  JsonArena *arena = json_arena_new(NULL);
  const char *words = read_words(arena, packet, &loss);
  error_set(&loss.err, ERR_CLOSED, "the server disconnected this client%s%s",
            words ? ": " : "", words ? words : "");
  json_arena_free(arena);
  link_lose(s, &loss);
}

static void on_rejected(Socket *s, const SioPacket *packet) {
  Loss loss = {.reason = "rejected", .final = true};
  s->asked = false;
  JsonArena *arena = json_arena_new(NULL);
  const char *words = read_words(arena, packet, &loss);
  if (words) error_set(&loss.err, ERR_REJECTED, "%s", words);
  else error_set(&loss.err, ERR_REJECTED, "the server refused the namespace %s", s->nsp);
  json_arena_free(arena);
  link_lose(s, &loss);
}

/* To ask for what was missed again would bring as much again. */
static void lose_flooded(Socket *s) {
  Error err;
  error_set(&err, ERR_TOO_LARGE,
            "the server sent %zu events (%zu bytes) and more before it let us into the "
            "namespace",
            s->early.count, s->early.bytes);
  recovery_forget(s);
  link_abandon(s, "parse error", &err);
}

/* For what came. A packet that is left out would be missed by nobody but the script. */
static void lack_memory(Socket *s, size_t len) {
  Error err;
  error_set(&err, ERR_MEMORY,
            "no memory for %zu bytes from the server: the script holds as much as it may",
            len);
  link_abandon(s, "transport error", &err);
}

static void on_payload(Socket *s, const SioPacket *packet, const SioBytes *attachments) {
  bool event = packet->type == SIO_EVENT || packet->type == SIO_BINARY_EVENT;
  SocketData data = {packet->json, packet->json_len, attachments, packet->attachments};
  Error err;
  if (data.count && sio_check_filling(data.json, data.len, data.count, &err) != 0) {
    link_abandon(s, "parse error", &err);
    return;
  }
  if (!event && packet->ack == SIO_NO_ACK) {
    s->stats.late_acks++;
    return;
  }
  if (!event && !data.len) data.json = "[]", data.len = 2;
  if (!incoming_fits(s, socket_data_room(&data))) {
    lack_memory(s, data.len);
    return;
  }
  Incoming *incoming =
      incoming_new_data(s, event ? INCOMING_EVENT : INCOMING_ACK, packet->ack, &data);
  if (s->joined) incoming_send(incoming);
  else if (!early_hold(s, incoming)) lose_flooded(s);
}

static bool is_payload(const SioPacket *packet) {
  return packet->type != SIO_CONNECT && packet->type != SIO_DISCONNECT &&
         packet->type != SIO_CONNECT_ERROR;
}

/* What lets in, refuses or throws out is read at once, and has few words to say. */
static void lose_wordy(Socket *s, size_t len) {
  Error err;
  error_set(&err, ERR_TOO_LARGE,
            "the server sent %zu bytes to let us in, or to refuse: %d are taken", len,
            MOST_CONTROL);
  link_abandon(s, "parse error", &err);
}

/* --- the manager's reports -------------------------------------------------------- */

static Socket *socket_of(ManagerUser *user) {
  return CONTAINER_OF(user, Socket, user);
}

static void on_packet(ManagerUser *user, const SioPacket *packet,
                      const SioBytes *attachments) {
  Socket *s = socket_of(user);
  if (!is_payload(packet) && packet->json_len > MOST_CONTROL) {
    lose_wordy(s, packet->json_len);
    return;
  }
  switch (packet->type) {
  case SIO_CONNECT:
    on_connect(s, packet);
    break;
  case SIO_DISCONNECT:
    on_disconnect(s, packet);
    break;
  case SIO_CONNECT_ERROR:
    on_rejected(s, packet);
    break;
  default:
    on_payload(s, packet, attachments);
  }
}

static void open_link(Socket *s) {
  s->max_payload = engine_max_payload(manager_engine(s->manager));
  if (s->options.protocol == SOCKET_WEBSOCKET) enter_namespace(s, NULL, 0);
  else incoming_push(s, INCOMING_READY, 0, NULL, 0);
}

static void on_opened(ManagerUser *user) {
  open_link(socket_of(user));
}

static void on_frame(ManagerUser *user, bool binary, const char *data, size_t len) {
  Socket *s = socket_of(user);
  if (!incoming_fits(s, len)) {
    lack_memory(s, len);
    return;
  }
  incoming_push(s, binary ? INCOMING_BINARY : INCOMING_TEXT, 0, data, len);
}

/* Its payload is the id of a ping, if that was one of socket_ping. */
static void on_pong(ManagerUser *user, const char *data, size_t len) {
  Socket *s = socket_of(user);
  double now = loop_now(net_loop(s->net));
  int64_t id = 0;
  if (len == 0 || len > 18) return;
  for (size_t i = 0; i < len; i++) {
    if (data[i] < '0' || data[i] > '9') return;
    id = id * 10 + (data[i] - '0');
  }
  if (calls_want_pong(s, id)) incoming_push(s, INCOMING_PONG, id, &now, sizeof now);
}

static void on_lost(ManagerUser *user, const EngineLoss *lost) {
  Loss loss = {
      .reason = lost->reason, .code = lost->code, .err = lost->err, .final = lost->final};
  link_lose(socket_of(user), &loss);
}

static void on_unsent(ManagerUser *user, const char *data, size_t len) {
  Socket *s = socket_of(user);
  if (s->joined) incoming_push_dropped(s, data, data ? len : 0, ERR_CLOSED);
}

static void on_hurry(ManagerUser *user) {
  Socket *s = socket_of(user);
  if (timer_active(&s->reconnect_timer))
    timer_start(net_loop(s->net), &s->reconnect_timer, 0);
}

const ManagerEvents link_events = {.opened = on_opened,
                                   .lost = on_lost,
                                   .frame = on_frame,
                                   .pong = on_pong,
                                   .packet = on_packet,
                                   .unsent = on_unsent,
                                   .hurry = on_hurry};

/* --- beginning and sending -------------------------------------------------------- */

/* Our own timer watches the whole attempt; it comes a little behind the transport's,
 * which can say more, on a busy machine as well. */
static double attempt_patience(const Socket *s) {
  double timeout = s->options.timeout;
  return timeout + fmin(0.2, fmax(0.02, timeout / 10));
}

void link_start(Socket *s) {
  bool open;
  Error err;
  s->link++;
  s->max_payload = 0;
  s->attempt.fire = on_attempt;
  s->attempt_waits = false;
  if (manager_enter(s->manager, &s->user, &s->options, &open, &err) != 0) {
    link_fail(s, "connect error", &err);
    return;
  }
  s->engine = manager_engine(s->manager);
  s->again = manager_was_left(s->manager, s->nsp);
  timer_start(net_loop(s->net), &s->attempt, attempt_patience(s));
  if (open) open_link(s);
}

size_t link_buffered(const Socket *s) {
  return s->engine ? engine_buffered(s->engine) : 0;
}

static int send_frame(Socket *s, bool binary, const char *data, size_t len, size_t most) {
  return s->engine ? engine_send_below(s->engine, binary, data, len, most)
                   : (int)ERR_NOT_CONNECTED;
}

const char *link_transport(const Socket *s) {
  return s->engine && engine_is_open(s->engine) ? engine_transport(s->engine) : NULL;
}

static int check_size(const Socket *s, size_t len, Error *err) {
  if (!s->max_payload || len <= s->max_payload) return 0;
  return error_set(err, ERR_TOO_LARGE,
                   "a packet of %zu bytes: the server takes %zu at most", len,
                   s->max_payload);
}

/* Over polling, bytes go as base64. */
static size_t size_of_bytes(const Socket *s, size_t len) {
  const char *transport = link_transport(s);
  bool encoded = transport && strcmp(transport, "polling") == 0;
  return encoded ? 1 + (len + 2) / 3 * 4 : len;
}

int link_check_frames(const Socket *s, const SocketData *frames, Error *err) {
  int code = check_size(s, frames->len, err);
  for (int i = 0; code == 0 && i < frames->count; i++)
    code = check_size(s, size_of_bytes(s, frames->bytes[i].len), err);
  return code;
}

/* A header without what it announces would be taken for another packet's. */
int link_send_all(Socket *s, bool binary, const SocketData *frames, size_t most) {
  size_t behind = socket_data_total(frames) - frames->len;
  if (most < SIZE_MAX) most = most > behind ? most - behind : 0;
  int code = send_frame(s, binary, frames->json, frames->len, most);
  for (int i = 0; code == 0 && i < frames->count; i++) {
    const SioBytes *bytes = &frames->bytes[i];
    if (send_frame(s, true, bytes->data, bytes->len, SIZE_MAX) == 0) continue;
    Error err;
    error_set(&err, ERR_BUFFER_FULL, "the attachments of a packet could not be sent");
    link_abandon(s, "transport error", &err);
    return ERR_NOT_CONNECTED;
  }
  return code;
}

static int say_packet(Socket *s, SioType type, const char *json, size_t len) {
  Buffer out = {0};
  SocketData data = {.json = json, .len = len}, frames;
  Error err;
  int code = packet_encode(s->form, type, SIO_NO_ACK, &data, &out, &frames, &err);
  if (!code) code = send_frame(s, s->options.msgpack, out.data, out.len, SIZE_MAX);
  buffer_free(&out);
  return code;
}

void link_join(Socket *s, const char *json, size_t len) {
  Buffer payload = {0};
  if (recovery_put(s, &payload, json, len)) json = payload.data, len = payload.len;
  s->asked = say_packet(s, SIO_CONNECT, json, len) == 0;
  buffer_free(&payload);
}
