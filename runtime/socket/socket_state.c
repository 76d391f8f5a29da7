/* What dispatch makes of what the link reports: asking for auth, being connected, being
 * lost and trying again. Everything here runs between socket_enter and socket_leave. */
#include "socket/socket_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "socket/socket_buffer.h"
#include "socket/socket_dispatch.h"
#include "socket/socket_link.h"
#include "socket/socket_recovery.h"
#include "socket/socket_resend.h"

static const double longest_retry_after = 300;

/* --- beginning -------------------------------------------------------------------- */

static void on_turn(PaceTurn *turn) {
  link_start(CONTAINER_OF(turn, Socket, turn));
}

void socket_begin(Socket *s) {
  s->turn.go = on_turn;
  pace_ask(net_pace(s->net), &s->turn);
}

/* --- connecting ------------------------------------------------------------------- */

void socket_on_ready(Socket *s) {
  s->awaiting_auth = true;
  if (s->callbacks.auth) s->callbacks.auth(s->ctx);
  else socket_auth(s, NULL, 0);
}

void socket_auth(Socket *s, const char *json, size_t len) {
  Error err;
  if (!s->awaiting_auth) return;
  if (len && json[0] != '{') {
    error_set(&err, ERR_INVALID, "auth must be an object");
    socket_auth_failed(s, &err);
    return;
  }
  s->awaiting_auth = false;
  link_join(s, json, len);
}

void socket_auth_failed(Socket *s, const Error *err) {
  if (s->awaiting_auth) link_fail(s, "connect error", err);
}

/* The payload is {"sid","pid"?}, of which the poll side has seen the sid; a plain one has
 * none. */
static void read_ids(Socket *s, const char *json, size_t len) {
  Error ignored;
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *root = len ? json_parse(arena, json, len, &ignored) : NULL;
  const cJSON *sid = cJSON_GetObjectItemCaseSensitive(root, "sid");
  const cJSON *pid = cJSON_GetObjectItemCaseSensitive(root, "pid");
  free(s->id);
  s->id = NULL;
  if (cJSON_IsString(sid)) s->id = xstrdup(json_string(arena, sid, false, &len));
  else if (sid) s->id = xasprintf("%.17g", sid->valuedouble);
  recovery_joined(s, cJSON_IsString(pid) ? json_string(arena, pid, false, &len) : NULL);
  json_arena_free(arena);
}

void socket_on_joined(Socket *s, const char *json, size_t len) {
  read_ids(s, json, len);
  if (s->state == SOCKET_CONNECTED) return;
  SocketInfo info = {.reason = "", .recovered = s->recovery.given};
  pace_done(net_pace(s->net), &s->turn);
  s->state = SOCKET_CONNECTED;
  s->epoch++;
  s->stats.connects++;
  s->pause_logged = false;
  s->failures = s->reconnects = 0;
  waiting_flush(s);
  resend_pump(s);
  s->callbacks.state(s->ctx, SOCKET_CONNECTED, &info);
}

/* --- losing ----------------------------------------------------------------------- */

static void on_reconnect(Timer *timer) {
  Socket *s = CONTAINER_OF(timer, Socket, reconnect_timer);
  socket_enter(s);
  if (!s->freed && s->state == SOCKET_RECONNECTING) {
    s->reconnects++;
    socket_begin(s);
  }
  socket_leave(s);
}

/* Caps first and spreads after. */
double backoff_wait(const Backoff *b, double n, double random) {
  double capped = fmin(b->max_delay, b->delay * exp2(n));
  return capped * (1 - b->jitter) + random * capped * b->jitter;
}

static double reconnect_wait(Socket *s, const Error *err) {
  const SocketOptions *o = &s->options;
  Backoff backoff = {o->delay, o->max_delay, o->jitter};
  double wait = backoff_wait(&backoff, s->reconnects, net_random_share(s->net));
  return fmax(wait, fmin(err->retry_after, longest_retry_after));
}

/* Decides, and sets all that follows, before the callbacks: they may then do what
 * they like. */
static SocketInfo settle_loss(Socket *s, const Loss *loss) {
  SocketInfo info = {.reason = loss->reason, .code = loss->code, .error = &loss->err};
  info.data = loss->data;
  info.data_len = loss->data_len;
  info.will_reconnect = loss->again || (s->options.reconnect && !loss->final &&
                                        s->reconnects < s->options.attempts);
  info.attempt = s->failures;
  socket_forget_id(s);
  s->recovery.given = false;
  if (loss->final) recovery_forget(s);
  s->state = info.will_reconnect ? SOCKET_RECONNECTING : SOCKET_CLOSED;
  if (!info.will_reconnect) resend_drop_all(s, ERR_CLOSED, false);
  calls_fail_in_flight(s);
  if (!info.will_reconnect) {
    waiting_drop_all(s, ERR_CLOSED);
    return info;
  }
  info.reconnect_in = loss->again ? 0 : reconnect_wait(s, &loss->err);
  s->reconnect_timer.fire = on_reconnect;
  timer_start(net_loop(s->net), &s->reconnect_timer, info.reconnect_in);
  return info;
}

void socket_on_lost(Socket *s, Loss *loss) {
  SocketState before = s->state;
  bool was_connected = before == SOCKET_CONNECTED;
  pace_done(net_pace(s->net), &s->turn);
  if (!was_connected) s->failures++;
  if (!was_connected && !loss->final && strncmp(loss->reason, "transport", 9) == 0)
    loss->reason = "connect error";
  bool refused = strcmp(loss->reason, "rejected") == 0;
  loss->again = refused && s->callbacks.refused && s->callbacks.refused(s->ctx);
  SocketInfo info = settle_loss(s, loss);
  SocketState after = s->state;
  deliver_failed_calls(s);
  if (!was_connected && !s->freed && s->callbacks.connect_error)
    s->callbacks.connect_error(s->ctx, &info);
  if (after != before && !s->freed) s->callbacks.state(s->ctx, after, &info);
}
