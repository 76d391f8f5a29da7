/* The link of a Socket: one attempt to connect and the connection that it becomes, over
 * an Engine. This is the poll side: what comes becomes a note.
 *
 * A link ends exactly once, by link_cut (this side wants no more of it: nothing is
 * reported) or by link_lose (anything else: a NOTE_LOST behind all that came before).
 * Both leave s->engine NULL and the link's timers stopped. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/socket_parts.h"

enum { CLOSE_NORMAL = 1000, CLOSE_PROTOCOL = 1002 };

/* --- the end ---------------------------------------------------------------------- */

void link_cut(Socket *s, int close_code) {
  Loop *loop = net_loop(s->net);
  Engine *engine = s->engine;
  s->engine = NULL;
  s->joined = s->awaiting_auth = s->paused = false;
  timer_stop(loop, &s->attempt);
  if (!engine) return;
  if (engine_has_upgraded(engine)) s->upgraded = true;
  engine_free(engine, close_code);
}

void link_lose(Socket *s, const Loss *loss) {
  bool violated = strcmp(loss->reason, "parse error") == 0;
  link_cut(s, violated ? CLOSE_PROTOCOL : CLOSE_NORMAL);
  note_push(s, NOTE_LOST, 0, loss, sizeof *loss);
}

void link_fail(Socket *s, const char *reason, const Error *err) {
  Loss loss = {.reason = reason, .err = *err};
  link_lose(s, &loss);
}

static void violated(Socket *s, const char *what) {
  Error err;
  error_set(&err, ERR_PROTOCOL, "the server broke the protocol: %s", what);
  link_fail(s, "parse error", &err);
}

/* --- timers ----------------------------------------------------------------------- */

static void on_attempt(Timer *timer) {
  Socket *s = CONTAINER_OF(timer, Socket, attempt);
  Error err;
  error_set(&err, ERR_TIMEOUT, "not connected within %g seconds: %s", s->options.timeout,
            s->awaiting_auth ? "auth did not answer"
            : s->engine && engine_is_open(s->engine)
                ? "the server did not let us into the namespace"
                : "the server did not start the protocol");
  err.phase = s->awaiting_auth ? "auth" : "handshake";
  link_fail(s, "connect error", &err);
}

/* --- packets ---------------------------------------------------------------------- */

static void joined(Socket *s, const char *json, size_t len) {
  s->joined = true;
  timer_stop(net_loop(s->net), &s->attempt);
  note_push(s, NOTE_JOINED, 0, json, len);
}

static void on_connect(Socket *s, const SioPacket *packet) {
  if (s->joined) {
    violated(s, "the namespace was joined twice");
    return;
  }
  joined(s, packet->json, packet->json_len);
}

static void on_disconnect(Socket *s) {
  Loss loss = {.reason = "io server disconnect", .final = true};
  error_set(&loss.err, ERR_CLOSED, "the server disconnected this client");
  link_lose(s, &loss);
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

/* {"message","data"?}, or a bare string from servers before version 3 of the protocol. */
static void read_rejection(const cJSON *root, const JsonArena *arena, Error *err) {
  const cJSON *item =
      cJSON_IsString(root) ? root : cJSON_GetObjectItemCaseSensitive(root, "message");
  size_t len;
  const char *message = cJSON_IsString(item) ? json_string(arena, item, false, &len)
                                             : "no reason was given";
  error_set(err, ERR_REJECTED, "%s", message);
}

static void on_rejected(Socket *s, const SioPacket *packet) {
  Loss loss = {.reason = "rejected", .final = true};
  JsonArena *arena = json_arena_new();
  Error why;
  const cJSON *root = json_parse(arena, packet->json, packet->json_len, &why);
  if (root) {
    read_rejection(root, arena, &loss.err);
    size_t len = 0;
    const char *data = raw_data(packet->json, packet->json_len, &len);
    if (data) loss.data = xstrndup(data, len), loss.data_len = len;
  } else {
    error_set(&loss.err, ERR_REJECTED, "the server refused the namespace %s", s->nsp);
  }
  json_arena_free(arena);
  link_lose(s, &loss);
}

static void on_binary(Socket *s) {
  Error err;
  error_set(&err, ERR_UNSUPPORTED, "the server sent a binary packet: not supported yet");
  link_fail(s, "parse error", &err);
}

static void on_payload(Socket *s, const SioPacket *packet) {
  if (!s->joined) {
    violated(s, "a packet before the namespace was joined");
    return;
  }
  NoteType type = packet->type == SIO_EVENT ? NOTE_EVENT : NOTE_ACK;
  note_push(s, type, packet->ack, packet->json, packet->json_len);
}

static void on_packet(Socket *s, const char *data, size_t len) {
  SioPacket packet;
  Error err;
  if (sio_parse(data, len, &packet, &err) != 0) {
    link_fail(s, "parse error", &err);
    return;
  }
  if (packet.nsp_len != strlen(s->nsp) || memcmp(packet.nsp, s->nsp, packet.nsp_len) != 0)
    return; /* of a namespace that is none of ours */
  switch (packet.type) {
  case SIO_CONNECT:
    on_connect(s, &packet);
    break;
  case SIO_DISCONNECT:
    on_disconnect(s);
    break;
  case SIO_CONNECT_ERROR:
    on_rejected(s, &packet);
    break;
  case SIO_EVENT:
  case SIO_ACK:
    on_payload(s, &packet);
    break;
  default:
    on_binary(s);
  }
}

/* --- the engine ------------------------------------------------------------------- */

static void on_open(void *ctx) {
  Socket *s = ctx;
  s->max_payload = engine_max_payload(s->engine);
  if (s->options.protocol == SOCKET_WEBSOCKET) joined(s, NULL, 0);
  else note_push(s, NOTE_READY, 0, NULL, 0);
}

static void on_message(void *ctx, bool binary, const char *data, size_t len) {
  Socket *s = ctx;
  if (s->options.protocol == SOCKET_WEBSOCKET)
    note_push(s, binary ? NOTE_BINARY : NOTE_TEXT, 0, data, len);
  else if (binary) on_binary(s);
  else on_packet(s, data, len);
}

static void on_lost(void *ctx, const EngineLoss *lost) {
  Loss loss = {.reason = lost->reason, .code = lost->code, .err = lost->err};
  link_lose(ctx, &loss);
}

static const EngineCallbacks engine_callbacks = {on_open, on_message, on_lost};

static void choose_transports(Socket *s) {
  const SocketOptions *o = &s->options;
  EioTransports all = o->transports[0] | o->transports[1];
  bool remembered = o->remember_upgrade && s->upgraded && all & EIO_WEBSOCKET;
  s->engine_options.first = remembered ? EIO_WEBSOCKET : o->transports[0];
  s->engine_options.others =
      o->try_all ? all & (EioTransports)~s->engine_options.first : EIO_NONE;
}

/* Our own timer watches the whole attempt; it comes a little behind the transport's,
 * which can say more. */
void link_start(Socket *s) {
  const SocketOptions *o = &s->options;
  s->engine_options =
      (EngineOptions){.plain = o->protocol == SOCKET_WEBSOCKET,
                      .front = s->address,
                      .path = o->path,
                      .no_slash = o->no_slash,
                      .query = s->query,
                      .upgrade = o->upgrade,
                      .request_timeout = o->request_timeout,
                      .cookies = s->cookies,
                      .ws = {.headers = (const char *const *)o->headers,
                             .subprotocols = o->subprotocols,
                             .connect_timeout = o->timeout,
                             .max_message = o->max_message,
                             .max_buffered = ((size_t)64 << 20) + 2 * o->buffer_bytes,
                             .deflate = o->deflate,
                             .route = o->route}};
  Error err;
  choose_transports(s);
  s->link++;
  s->max_payload = 0;
  s->attempt.fire = on_attempt;
  s->engine = engine_open(s->net, &s->engine_options, &engine_callbacks, s, &err);
  if (!s->engine) link_fail(s, "connect error", &err);
  else timer_start(net_loop(s->net), &s->attempt, o->timeout + 0.02);
}

int link_send(Socket *s, bool binary, const char *data, size_t len) {
  return s->engine ? engine_send(s->engine, binary, data, len) : (int)ERR_NOT_CONNECTED;
}

void link_join(Socket *s, const char *json, size_t len) {
  Buffer out = {0};
  sio_encode(&out, SIO_CONNECT, s->nsp, SIO_NO_ACK, json, len);
  link_send(s, false, out.data, out.len);
  buffer_free(&out);
}
