/* Tasks that wait for a connection, until it is connected, over, or gone. They hang on
 * the declaration through which they wait, so that one of a replaced generation, or of a
 * script that attached to what is not there yet, waits on. */
#include <math.h>
#include <stdlib.h>

#include "resource/connection_wait.h"
#include "resource/connection_fire.h"
#include "resource/resource.h"
#include "bridge/luaerror.h"
#include "bridge/luadecode.h"
#include "vm/vm.h"
#include "vm/task_wait.h"

static const double default_timeout = 20; /* seconds, as of an attempt */

typedef struct Waiter Waiter;
struct Waiter {
  Waiter *next, **at; /* in the declaration's list, or one that is being woken */
  Wait wait;
  Timer timer;
  Task *task;
  const Declaration *decl;
  double seconds;
};

/* What a declaration has beside its handlers. */
typedef struct Waiters {
  Waiter *first;
} Waiters;

static void add_waiter(Waiters *list, Waiter *w) {
  w->next = list->first;
  w->at = &list->first;
  if (w->next) w->next->at = &w->next;
  list->first = w;
}

static void remove_waiter(Waiter *w) {
  *w->at = w->next;
  if (w->next) w->next->at = w->at;
  timer_stop(task_host(w->task)->loop, &w->timer);
}

/* Turns them round: those who came first are woken first. */
static void take_all(Declaration *d, Waiters *taken) {
  Waiters *list = d->extra;
  while (list && list->first) {
    Waiter *w = list->first;
    *w->at = w->next;
    if (w->next) w->next->at = w->at;
    add_waiter(taken, w);
  }
}

static void cancel_wait(Wait *wait) {
  Waiter *w = CONTAINER_OF(wait, Waiter, wait);
  remove_waiter(w);
  free(w);
}

/* --- what comes of it -------------------------------------------------------------- */

static int push_true(lua_State *L, void *ctx) {
  (void)ctx;
  lua_pushboolean(L, 1);
  return 1;
}

static int push_gone(lua_State *L, void *ctx) {
  (void)ctx;
  Error err;
  error_set(&err, ERR_CLOSED, "the connection is not there any more");
  return luaerror_return(L, &err);
}

/* It is over: with what the server sent, where it refused. */
static int push_over(lua_State *L, const Connection *c, const SocketInfo *info) {
  Error err, ignored;
  ErrorCode code = c->failed == ERR_REJECTED ? ERR_REJECTED : ERR_CLOSED;
  error_set(&err, code, "%s is closed: %s", c->res->name,
            c->failure ? c->failure : "it was disconnected");
  int n = luaerror_return(L, &err);
  if (info && info->data && luajson_decode(L, info->data, info->data_len, &ignored) == 0)
    lua_setfield(L, -2, "data");
  return n;
}

typedef struct Over {
  const Connection *connection;
  const SocketInfo *info;
} Over;

static int push_closed(lua_State *L, void *ctx) {
  const Over *over = ctx;
  if (!over->connection->res) return push_gone(L, NULL);
  return push_over(L, over->connection, over->info);
}

static int push_timeout(lua_State *L, void *ctx) {
  const Waiter *w = ctx;
  const Declaration *d = w->decl;
  const Connection *c = d->res ? d->res->object : NULL;
  const char *why = c ? c->failure : "no script has declared it";
  Error err;
  error_set(&err, ERR_TIMEOUT, "%s was not connected within %.3g s%s%s", d->name,
            w->seconds, why ? ": " : "", why ? why : "");
  err.phase = "connect";
  return luaerror_return(L, &err);
}

static void on_timeout(Timer *timer) {
  Waiter *w = CONTAINER_OF(timer, Waiter, timer);
  remove_waiter(w);
  task_wake(w->task, push_timeout, w);
  free(w);
}

/* --- waking ------------------------------------------------------------------------ */

static void wake_all(Declaration *d, TaskPush *push, void *ctx) {
  Waiters taken = {NULL};
  take_all(d, &taken);
  while (taken.first) {
    Waiter *w = taken.first;
    Task *task = w->task;
    remove_waiter(w);
    free(w);
    task_wake(task, push, ctx);
  }
}

/* Looks at the state as it is: it may have changed since the event came. */
void connection_wake_waiters(Connection *c, const SocketInfo *info) {
  Over over = {c, info};
  for (Declaration *d = c->res ? c->res->decls : NULL; d && c->res; d = d->next_bound) {
    SocketState state = socket_state(c->socket);
    if (state == SOCKET_CONNECTED) wake_all(d, push_true, NULL);
    else if (state == SOCKET_CLOSED || state == SOCKET_IDLE)
      wake_all(d, push_closed, &over);
  }
}

static void wake_later(Declaration *d, TaskPush *push) {
  Waiters taken = {NULL};
  take_all(d, &taken);
  while (taken.first) {
    Waiter *w = taken.first;
    remove_waiter(w);
    task_wake_later(w->task, push, NULL);
    free(w);
  }
}

void connection_join_waiters(Declaration *d) {
  Socket *socket = connection_socket(d);
  if (socket && socket_state(socket) == SOCKET_CONNECTED) wake_later(d, push_true);
}

void connection_lose_waiters(Declaration *d) {
  wake_later(d, push_gone);
}

void connection_drop_waiters(Declaration *d) {
  const Waiters *list = d->extra;
  CHECK(!list || !list->first); /* tasks end before declarations */
  free(d->extra);
  d->extra = NULL;
}

/* --- waiting ----------------------------------------------------------------------- */

static double seconds_for(const Declaration *d) {
  const ConnectionOptions *options = d->res ? d->res->options : NULL;
  return options && options->net.timeout > 0 ? options->net.timeout : default_timeout;
}

int connection_wait(lua_State *L, Declaration *d, Task *task, double seconds) {
  Connection *c = d->res ? d->res->object : NULL;
  if (c && socket_state(c->socket) == SOCKET_CONNECTED) return push_true(L, NULL);
  if (c && socket_state(c->socket) == SOCKET_CLOSED) return push_over(L, c, NULL);
  if (!c && !d->attached) return push_gone(L, NULL);
  if (!d->extra) d->extra = xcalloc(1, sizeof(Waiters));
  Waiter *w = xcalloc(1, sizeof *w);
  w->wait.cancel = cancel_wait;
  w->timer.fire = on_timeout;
  w->task = task;
  w->decl = d;
  w->seconds = seconds < 0 ? seconds_for(d) : seconds;
  add_waiter(d->extra, w);
  if (!isinf(w->seconds)) timer_start(task_host(task)->loop, &w->timer, w->seconds);
  return task_wait(L, task, &w->wait);
}
