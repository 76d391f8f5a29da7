/* Sockets in conversation with a scripted server (engine_env.h). What each is told stands
 * behind the namespace's name. */
#ifndef TIDELOCK_TESTS_MEMBER_ENV_H
#define TIDELOCK_TESTS_MEMBER_ENV_H

#include "engine_env.h"
#include "socket/socket.h"

typedef struct Member {
  Test *t;
  const char *nsp;
  Socket *socket;
  int64_t ack; /* of the last event */
  Error err;   /* of the last change of state */
} Member;

static void on_state(void *ctx, SocketState state, const SocketInfo *info) {
  static const char *const names[] = {"idle", "connecting", "connected", "reconnecting",
                                      "closed"};
  Member *m = ctx;
  bool told = state != SOCKET_CONNECTING && state != SOCKET_IDLE;
  if (told) buffer_printf(&m->t->told, "%s %s", m->nsp, names[state]);
  if (told && *info->reason) buffer_printf(&m->t->told, " (%s)", info->reason);
  if (told) buffer_putc(&m->t->told, '\n');
  if (info->error) m->err = *info->error;
}

static void on_auth(void *ctx) {
  socket_auth(((Member *)ctx)->socket, NULL, 0);
}

static void on_connect_error(void *ctx, const SocketInfo *info) {
  Member *m = ctx;
  buffer_printf(&m->t->told, "%s %s\n", m->nsp, info->error->message);
}

static void on_member_event(void *ctx, const SocketData *data, int64_t ack) {
  Member *m = ctx;
  m->ack = ack;
  buffer_printf(&m->t->told, "%s %.*s", m->nsp, (int)data->len, data->json);
  for (int i = 0; i < data->count; i++)
    buffer_printf(&m->t->told, " <%.*s>", (int)data->bytes[i].len, data->bytes[i].data);
  buffer_putc(&m->t->told, '\n');
}

static void on_member_dropped(void *ctx, ErrorCode why, const char *data, size_t len) {
  Member *m = ctx;
  buffer_printf(&m->t->told, "%s dropped %s %.*s\n", m->nsp, error_name(why), (int)len,
                data);
}

static inline void make_with(Member *m, Test *t, const SocketOptions *options) {
  static const SocketCallbacks callbacks = {.auth = on_auth,
                                            .state = on_state,
                                            .connect_error = on_connect_error,
                                            .event = on_member_event,
                                            .dropped = on_member_dropped};
  Error err;
  *m = (Member){.t = t, .nsp = options->nsp};
  m->socket = socket_new(t->env.net, options, &callbacks, m, &err);
  if (!m->socket) fail_msg("%s", err.message);
}

/* Nothing is retried. */
static inline void make(Member *m, Test *t, const char *nsp, double timeout) {
  SocketOptions options = {.url = t->front,
                           .nsp = (char *)nsp,
                           .group = "these",
                           .multiplex = true,
                           .timeout = timeout};
  make_with(m, t, &options);
}

#endif
