/* See losses.h. */
#include "server/losses.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const double minute = 60;

typedef struct Kind {
  Server *server;
  Timer minute; /* active: one was logged less than a minute ago */
  size_t more;  /* of this minute, besides the one that was logged */
} Kind;

struct Losses {
  Kind kinds[SERVER_LOSS_KINDS];
};

static const char *const words[SERVER_LOSS_KINDS] = {
    [SERVER_LOSS_FILES] = "connections were refused for lack of file descriptors "
                          "(ulimit -n)",
    [SERVER_LOSS_CONNECTIONS] = "clients were refused (max_connections)",
    [SERVER_LOSS_SENDER] = "requests were refused (hosts, origins)",
    [SERVER_LOSS_LATE] = "requests did not arrive in time (head_timeout, "
                         "request_timeout)",
    [SERVER_LOSS_SIZE] = "requests or messages were refused for their size (max_head, "
                         "max_body, max_message, max_payload)",
    [SERVER_LOSS_MEMORY] =
        "requests, answers or messages were refused for lack of memory",
    [SERVER_LOSS_BACKLOG] = "clients were closed that did not read (max_backlog)",
    [SERVER_LOSS_STALL] = "clients were closed that took nothing (write_timeout)",
    [SERVER_LOSS_PROTOCOL] = "clients were closed that broke the protocol",
    [SERVER_LOSS_JOIN] = "clients were closed that joined no namespace "
                         "(connect_timeout)",
    [SERVER_LOSS_EARLY] = "events were dropped that came before the handlers of "
                          "\"connection\" had run",
};

/* The limit of a kind is in the first line; here is how often it was met since. */
static void log_more(Kind *kind) {
  Server *server = kind->server;
  log_write(loop_log(server->room->loop), LOG_WARN, "server",
            "port %d: since the last such line %zu more %s", server->port, kind->more,
            words[kind - server->losses->kinds]);
  kind->more = 0;
}

static void on_minute(Timer *timer) {
  Kind *kind = CONTAINER_OF(timer, Kind, minute);
  if (kind->more == 0) return;
  log_more(kind);
  timer_start(kind->server->room->loop, timer, minute);
}

Losses *losses_new(Server *server) {
  Losses *losses = xcalloc(1, sizeof *losses);
  for (size_t i = 0; i < SERVER_LOSS_KINDS; i++)
    losses->kinds[i] = (Kind){.server = server, .minute.fire = on_minute};
  return losses;
}

void losses_free(Losses *losses) {
  if (!losses) return;
  for (size_t i = 0; i < SERVER_LOSS_KINDS; i++) {
    Kind *kind = &losses->kinds[i];
    if (kind->more) log_more(kind);
    timer_stop(kind->server->room->loop, &kind->minute);
  }
  free(losses);
}

void loss_note(Server *server, ServerLoss kind, const char *format, ...) {
  Kind *k = server->losses ? &server->losses->kinds[kind] : NULL;
  if (!k) return; /* the server is closed */
  if (timer_active(&k->minute)) {
    k->more++;
    return;
  }
  char line[512];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  log_write(loop_log(server->room->loop), LOG_WARN, "server",
            "port %d: %s; others like it are counted", server->port, line);
  timer_start(server->room->loop, &k->minute, minute);
}
