/* The link of a Socket: one attempt to connect and the connection that it becomes. This
 * is the poll side: heartbeats are answered here at once, everything else becomes a note.
 *
 * A link ends exactly once, by link_cut (this side wants no more of it: nothing is
 * reported) or by link_lose (anything else: a NOTE_LOST behind all that came before).
 * Both leave s->ws NULL and the link's timers stopped. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/socket_parts.h"

enum { CLOSE_NORMAL = 1000, CLOSE_PROTOCOL = 1002 };

/* --- the end ---------------------------------------------------------------------- */

void link_cut(Socket *s, int close_code) {
  Loop *loop = net_loop(s->net);
  WsClient *ws = s->ws;
  s->ws = NULL;
  s->hello = s->joined = s->awaiting_auth = s->paused = false;
  timer_stop(loop, &s->heartbeat);
  timer_stop(loop, &s->attempt);
  if (ws) ws_goodbye(ws, close_code, NULL);
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

/* While we do not read, the server's pings are not seen: that is not its fault. */
static void on_heartbeat(Timer *timer) {
  Socket *s = CONTAINER_OF(timer, Socket, heartbeat);
  if (s->paused) {
    timer_start(net_loop(s->net), timer, s->ping_deadline);
    return;
  }
  Error err;
  error_set(&err, ERR_TIMEOUT, "the server sent no ping for %g seconds",
            s->ping_deadline);
  err.phase = "heartbeat";
  link_fail(s, "ping timeout", &err);
}

static void on_attempt(Timer *timer) {
  Socket *s = CONTAINER_OF(timer, Socket, attempt);
  Error err;
  error_set(&err, ERR_TIMEOUT, "not connected within %g seconds: %s", s->options.timeout,
            s->awaiting_auth ? "auth did not answer"
            : s->hello       ? "the server did not let us into the namespace"
                             : "the server did not start the protocol");
  err.phase = s->awaiting_auth ? "auth" : "handshake";
  link_fail(s, "connect error", &err);
}

/* --- packets ---------------------------------------------------------------------- */

static void on_hello(Socket *s, const EioPacket *packet) {
  EioOpen open;
  Error err;
  if (s->hello) {
    violated(s, "a second handshake");
    return;
  }
  JsonArena *arena = json_arena_new();
  int code = eio_parse_open(arena, packet->data, packet->len, &open, &err);
  json_arena_free(arena);
  if (code) {
    link_fail(s, "parse error", &err);
    return;
  }
  s->hello = true;
  s->ping_deadline = open.ping_interval + open.ping_timeout;
  s->max_payload = open.max_payload;
  timer_start(net_loop(s->net), &s->heartbeat, s->ping_deadline);
  note_push(s, NOTE_READY, 0, NULL, 0);
}

static void on_ping(Socket *s, const EioPacket *packet) {
  char pong[64] = {EIO_PONG};
  size_t len = packet->len < sizeof pong - 1 ? packet->len : sizeof pong - 1;
  if (len) memcpy(pong + 1, packet->data, len);
  timer_start(net_loop(s->net), &s->heartbeat, s->ping_deadline);
  link_send(s, false, pong, len + 1);
}

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

static void on_packet(Socket *s, const EioPacket *message) {
  SioPacket packet;
  Error err;
  if (sio_parse(message->data, message->len, &packet, &err) != 0) {
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

static void on_eio_close(Socket *s) {
  Loss loss = {.reason = "transport close"};
  error_set(&loss.err, ERR_CLOSED, "the server closed the session");
  link_lose(s, &loss);
}

static void take_packet(Socket *s, const char *data, size_t len) {
  EioPacket packet;
  Error err;
  if (eio_parse(data, len, &packet, &err) != 0) {
    link_fail(s, "parse error", &err);
    return;
  }
  if (packet.type == EIO_OPEN) on_hello(s, &packet);
  else if (!s->hello) violated(s, "a packet before the handshake");
  else if (packet.type == EIO_MESSAGE) on_packet(s, &packet);
  else if (packet.type == EIO_PING) on_ping(s, &packet);
  else if (packet.type == EIO_CLOSE) on_eio_close(s);
  else if (packet.type != EIO_NOOP) violated(s, "a packet that only a client may send");
}

/* --- the transport ---------------------------------------------------------------- */

static void on_ws_open(void *ctx, const char *subprotocol) {
  Socket *s = ctx;
  (void)subprotocol;
  if (s->options.protocol == SOCKET_WEBSOCKET) joined(s, NULL, 0);
}

static void on_ws_message(void *ctx, bool binary, const char *data, size_t len) {
  Socket *s = ctx;
  if (s->options.protocol == SOCKET_WEBSOCKET)
    note_push(s, binary ? NOTE_BINARY : NOTE_TEXT, 0, data, len);
  else if (binary) on_binary(s);
  else take_packet(s, data, len);
}

static const char *reason_of(ErrorCode code) {
  if (code == ERR_PROTOCOL || code == ERR_TOO_LARGE) return "parse error";
  return code == ERR_NONE || code == ERR_RESET ? "transport close" : "transport error";
}

static void on_ws_closed(void *ctx, int code, const char *reason, size_t len,
                         const Error *err) {
  Socket *s = ctx;
  Loss loss = {.reason = reason_of(err->code), .code = code, .err = *err};
  if (err->code == ERR_NONE) {
    error_set(&loss.err, ERR_CLOSED, "the server closed the connection (%d)", code);
    error_detail(&loss.err, "%.*s", (int)len, reason);
  }
  link_lose(s, &loss);
}

static const WsCallbacks ws_callbacks = {on_ws_open, on_ws_message, on_ws_closed};

/* Our own timer watches the whole attempt; it comes a little behind the transport's,
 * which can say more. */
void link_start(Socket *s) {
  const SocketOptions *o = &s->options;
  WsOptions options = {.url = s->address,
                       .headers = (const char *const *)o->headers,
                       .subprotocols = o->subprotocols,
                       .connect_timeout = o->timeout,
                       .max_message = o->max_message,
                       .max_buffered = ((size_t)64 << 20) + 2 * o->buffer_bytes,
                       .route = o->route};
  Error err;
  s->link++;
  s->max_payload = 0;
  s->heartbeat.fire = on_heartbeat;
  s->attempt.fire = on_attempt;
  s->ws = ws_open(s->net, &options, &ws_callbacks, s, &err);
  if (!s->ws) link_fail(s, "connect error", &err);
  else timer_start(net_loop(s->net), &s->attempt, o->timeout + 0.02);
}

int link_send(Socket *s, bool binary, const char *data, size_t len) {
  return s->ws ? ws_send(s->ws, binary, data, len) : (int)ERR_NOT_CONNECTED;
}

void link_join(Socket *s, const char *json, size_t len) {
  Buffer out = {0};
  sio_encode(&out, SIO_CONNECT, s->nsp, SIO_NO_ACK, json, len);
  link_send(s, false, out.data, out.len);
  buffer_free(&out);
}
