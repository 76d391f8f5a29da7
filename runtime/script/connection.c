/* A script's connection. An event is parsed once, into the runtime's arena, and pushed
 * afresh for each handler, so that each has its own copy; an event that nobody wants is
 * not parsed.
 *
 * Auth may wait: the question is a task of the owner's, and its answer goes to the socket
 * that asked, if that still exists. A task killed by a reload answers with failure, so
 * that the socket tries again and asks the new version. */
#include "script/connection.h"

#include <stdlib.h>
#include <string.h>

#include "proto/socketio.h"
#include "script/luaerror.h"
#include "script/luajson.h"
#include "script/script.h"

typedef struct AuthAsk AuthAsk;

typedef struct Connection {
  Resource *res; /* NULL: closed by a handler while it fires */
  Socket *socket;
  uint64_t number; /* no other has it: acks and the like find theirs by it */
  AuthAsk *ask;    /* the question under way */
  int firing;      /* the memory stays meanwhile */
  bool was_connected;
} Connection;

struct AuthAsk {
  Connection *connection; /* NULL: it is gone, or asks anew */
  int ref;
};

/* --- who hears -------------------------------------------------------------------- */

typedef enum ListName { LIST_EVENTS, LIST_STATES, LIST_OUTGOING } ListName;

static HandlerList *list_of(Declaration *decl, ListName name) {
  return name == LIST_EVENTS   ? &decl->handlers
         : name == LIST_STATES ? &decl->states
                               : &decl->outgoing;
}

static void leave(Connection *c) {
  if (--c->firing == 0 && !c->res) free(c);
}

/* Between ++c->firing and leave. A handler may close the connection: then it is over. */
static void fire(Connection *c, ListName name, Firing firing) {
  if (!c->res) return;
  firing.source = c->res->name;
  for (Declaration *d = c->res->decls; d && c->res; d = d->next_bound)
    if (declaration_live(d)) handlers_fire(d->gen, list_of(d, name), &firing);
}

static bool anyone_wants(Resource *res, const char *event, size_t len) {
  for (Declaration *d = res->decls; d; d = d->next_bound)
    if (declaration_live(d) && handlers_want(&d->handlers, event, len)) return true;
  return false;
}

/* --- acks from the script --------------------------------------------------------- */

static void release_ack(Box *box) {
  free(box->object);
}

static const BoxKind ack_kind = {"ack", release_ack};

typedef struct Ack {
  uint64_t connection; /* its number */
  uint32_t epoch;
  int64_t id;
} Ack;

static Connection *connection_if_alive(Runtime *rt, uint64_t number) {
  for (Resource *r = rt->resources; r; r = r->next) {
    Connection *c = r->kind == &connection_kind ? r->core : NULL;
    if (c && c->number == number) return c;
  }
  return NULL;
}

/* Appends the values from `first` on as a JSON array; raises on what cannot be encoded.
 */
static void encode_args(lua_State *L, int first, Buffer *out) {
  Error err;
  int n = lua_gettop(L);
  buffer_putc(out, '[');
  for (int i = first; i <= n; i++) {
    if (i > first) buffer_putc(out, ',');
    if (lua_isnil(L, i)) {
      buffer_puts(out, "null");
    } else if (luajson_encode(L, i, out, &err) != 0) {
      luaL_error(L, "ack: argument %d: %s", i - first + 1, err.message);
    }
  }
  buffer_putc(out, ']');
}

static int f_ack(lua_State *L) {
  Box *box = lua_touserdata(L, lua_upvalueindex(1));
  Ack *ack = box->object;
  if (!ack) return luaL_error(L, "this event was acknowledged already");
  Buffer *out = luajson_scratch(L);
  encode_args(L, 1, out);
  Connection *c = connection_if_alive(generation_of(L)->rt, ack->connection);
  Error err = {0};
  int rc = ERR_NOT_CONNECTED;
  if (c) rc = socket_ack(c->socket, ack->epoch, ack->id, out->data, out->len, &err);
  else error_set(&err, ERR_NOT_CONNECTED, "the connection of this ack is closed");
  box_release(box);
  if (rc != 0) return luaerror_return(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static void push_ack(lua_State *L, Connection *c, int64_t id) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  box_class(L, &ack_kind, none, NULL);
  Box *box = box_new(L, &ack_kind);
  Ack *ack = xmalloc(sizeof *ack);
  *ack = (Ack){c->number, socket_epoch(c->socket), id};
  box->object = ack;
  lua_pushcclosure(L, f_ack, 1);
}

/* --- events ----------------------------------------------------------------------- */

typedef struct Payload {
  Connection *connection;
  const JsonArena *arena;
  const cJSON *args; /* first argument, or NULL */
  const char *name;
  size_t name_len;
  int64_t ack;
  bool with_name;
} Payload;

static int push_payload(lua_State *L, void *ctx) {
  Payload *p = ctx;
  int n = 0;
  if (p->with_name) {
    lua_pushlstring(L, p->name, p->name_len);
    n++;
  }
  for (const cJSON *item = p->args; item; item = item->next, n++) {
    luaL_checkstack(L, 8, "too many arguments");
    luajson_push(L, p->arena, item);
  }
  if (p->ack != SIO_NO_ACK) {
    push_ack(L, p->connection, p->ack);
    n++;
  }
  return n;
}

/* The array ["name", args...], or NULL after having told. */
static const cJSON *parse_event(Connection *c, const char *json, size_t len, Payload *p) {
  Runtime *rt = c->res->owner->rt;
  Error err;
  const cJSON *root = json_parse(rt->arena, json, len, &err);
  if (root && (!cJSON_IsArray(root) || !cJSON_IsString(root->child))) {
    error_set(&err, ERR_PROTOCOL, "an event is an array that starts with its name");
    root = NULL;
  }
  if (!root) {
    log_write(rt->log, LOG_ERROR, c->res->owner->name, "%s: an event is dropped: %s",
              c->res->name, err.message);
    return NULL;
  }
  p->arena = rt->arena;
  p->args = root->child->next;
  p->name = json_string(rt->arena, root->child, false, &p->name_len);
  return root;
}

static void on_event(void *ctx, const char *json, size_t len, int64_t ack) {
  Connection *c = ctx;
  SioPacket packet = {.type = SIO_EVENT, .json = json, .json_len = len};
  const char *name;
  size_t name_len;
  if (sio_event_name(&packet, &name, &name_len) && !anyone_wants(c->res, name, name_len))
    return;
  Payload p = {.connection = c, .ack = ack};
  if (!parse_event(c, json, len, &p)) return;
  if (sio_reserved(p.name, p.name_len)) {
    log_write(c->res->owner->rt->log, LOG_WARN, c->res->owner->name,
              "%s: the server sent an event with the reserved name %s: dropped",
              c->res->name, p.name);
    return;
  }
  c->firing++;
  p.with_name = true;
  fire(c, LIST_EVENTS, (Firing){.any = true, .push = push_payload, .ctx = &p});
  p.with_name = false;
  fire(c, LIST_EVENTS,
       (Firing){.event = p.name, .len = p.name_len, .push = push_payload, .ctx = &p});
  leave(c);
}

typedef struct Message {
  Frames frames;
  bool binary;
  const char *data;
  size_t len;
} Message;

static int push_message(lua_State *L, void *ctx) {
  Message *m = ctx;
  Error err;
  if (m->frames == FRAMES_JSON && !m->binary) {
    if (luajson_decode(L, m->data, m->len, &err) != 0)
      return luaL_error(L, "%s", err.message);
  } else {
    lua_pushlstring(L, m->data, m->len);
  }
  lua_pushboolean(L, m->binary);
  return 2;
}

static void on_message(void *ctx, bool binary, const char *data, size_t len) {
  Connection *c = ctx;
  ConnectionOptions *options = c->res->options;
  Message m = {options->frames, binary, data, len};
  c->firing++;
  fire(c, LIST_EVENTS,
       (Firing){.event = "message", .len = 7, .push = push_message, .ctx = &m});
  leave(c);
}

/* --- outgoing --------------------------------------------------------------------- */

typedef struct Outgoing {
  Event event;
  Runtime *rt;
  uint64_t connection;
  size_t len;
  char json[];
} Outgoing;

static void on_outgoing(Event *event) {
  Outgoing *o = CONTAINER_OF(event, Outgoing, event);
  Connection *c = connection_if_alive(o->rt, o->connection);
  Payload p = {.connection = c, .ack = SIO_NO_ACK, .with_name = true};
  if (c && parse_event(c, o->json, o->len, &p)) {
    c->firing++;
    fire(c, LIST_OUTGOING, (Firing){.any = true, .push = push_payload, .ctx = &p});
    leave(c);
  }
  free(o);
}

void connection_outgoing(Resource *res, const char *json, size_t len) {
  bool wanted = false;
  for (Declaration *d = res->decls; d; d = d->next_bound)
    wanted = wanted || handlers_want(&d->outgoing, NULL, 0);
  if (!wanted) return;
  Outgoing *o = xmalloc(sizeof *o + len);
  const Connection *c = res->core;
  *o = (Outgoing){.event.run = on_outgoing,
                  .rt = res->owner->rt,
                  .connection = c->number,
                  .len = len};
  memcpy(o->json, json, len);
  inbox_push(o->rt->loop, &o->event);
}

/* --- states ----------------------------------------------------------------------- */

static const char *state_name(SocketState state) {
  switch (state) {
  case SOCKET_CONNECTING:
    return "connecting";
  case SOCKET_CONNECTED:
    return "connected";
  case SOCKET_RECONNECTING:
    return "reconnecting";
  default:
    return "closed";
  }
}

typedef struct StateChange {
  const char *state; /* NULL: not pushed */
  const char *reason;
  const SocketInfo *info;
  Runtime *rt;
} StateChange;

static void set_text(lua_State *L, const char *key, const char *text) {
  if (!text || !*text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static void push_info(lua_State *L, const SocketInfo *info) {
  lua_createtable(L, 0, 8);
  set_text(L, "reason", info->reason);
  if (info->code) {
    lua_pushinteger(L, info->code);
    lua_setfield(L, -2, "code");
  }
  if (info->error && info->error->code != ERR_NONE) {
    set_text(L, "detail", info->error->message);
    luaerror_push(L, info->error);
    lua_setfield(L, -2, "error");
  }
  Error ignored;
  if (info->data && luajson_decode(L, info->data, info->data_len, &ignored) == 0)
    lua_setfield(L, -2, "data");
  lua_pushboolean(L, info->will_retry);
  lua_setfield(L, -2, "will_retry");
  if (info->will_retry) {
    lua_pushnumber(L, info->retry_in);
    lua_setfield(L, -2, "retry_in");
  }
  lua_pushboolean(L, info->recovered);
  lua_setfield(L, -2, "recovered");
  lua_pushinteger(L, info->attempt);
  lua_setfield(L, -2, "attempt");
}

static int push_change(lua_State *L, void *ctx) {
  StateChange *change = ctx;
  int n = 1;
  if (change->state) {
    lua_pushstring(L, change->state);
    n++;
  } else if (change->reason) {
    lua_pushstring(L, change->reason);
    n++;
  }
  push_info(L, change->info);
  return n;
}

static int push_error(lua_State *L, void *ctx) {
  const SocketInfo *info = ((StateChange *)ctx)->info;
  Error unknown;
  error_set(&unknown, ERR_CONNECT, "the connection failed");
  luaerror_push(L, info->error && info->error->code ? info->error : &unknown);
  Error ignored;
  if (info->data && luajson_decode(L, info->data, info->data_len, &ignored) == 0)
    lua_setfield(L, -2, "data");
  push_info(L, info);
  return 2;
}

static void fire_reserved(Connection *c, const char *event, TaskPush *push, void *ctx) {
  fire(c, LIST_EVENTS,
       (Firing){.event = event, .len = strlen(event), .push = push, .ctx = ctx});
}

static void on_state(void *ctx, SocketState state, const SocketInfo *info) {
  Connection *c = ctx;
  StateChange change = {.state = state_name(state), .info = info};
  c->firing++;
  fire(c, LIST_STATES, (Firing){.any = true, .push = push_change, .ctx = &change});
  change.state = NULL;
  bool connected = state == SOCKET_CONNECTED;
  if (connected && !c->was_connected) fire_reserved(c, "connect", push_change, &change);
  change.reason = info->reason ? info->reason : "";
  if (!connected && c->was_connected)
    fire_reserved(c, "disconnect", push_change, &change);
  c->was_connected = connected;
  leave(c);
}

static void on_connect_error(void *ctx, const SocketInfo *info) {
  Connection *c = ctx;
  StateChange change = {.info = info};
  c->firing++;
  fire_reserved(c, "connect_error", push_error, &change);
  leave(c);
}

/* --- auth ------------------------------------------------------------------------- */

static void answer_auth(Connection *c, lua_State *L, int index) {
  Error err;
  Buffer json = {0};
  if (lua_isnil(L, index)) {
    socket_auth(c->socket, NULL, 0);
  } else if (!lua_istable(L, index)) {
    error_set(&err, ERR_INVALID, "auth must give a table, not a %s",
              luaL_typename(L, index));
    socket_auth_failed(c->socket, &err);
  } else if (luajson_encode(L, index, &json, &err) != 0) {
    socket_auth_failed(c->socket, &err);
  } else {
    socket_auth(c->socket, json.data, json.len);
  }
  buffer_free(&json);
}

static void auth_done(void *ctx, lua_State *co, int n, bool ok) {
  AuthAsk *ask = ctx;
  Connection *c = ask->connection;
  Error err;
  if (c) c->ask = NULL;
  free(ask);
  if (!c) return;
  if (!co || !ok) {
    error_set(&err, co ? ERR_SCRIPT : ERR_CANCELLED, "auth of %s %s", c->res->name,
              co ? "failed: see the log"
                 : "was given up for a new version of the script");
    socket_auth_failed(c->socket, &err);
  } else if (n >= 2 && lua_isnil(co, -n) && !lua_isnil(co, -n + 1)) {
    luaerror_read(co, -n + 1, &err);
    socket_auth_failed(c->socket, &err);
  } else if (n == 0) {
    socket_auth(c->socket, NULL, 0);
  } else {
    answer_auth(c, co, lua_gettop(co) - n + 1);
  }
}

static int push_auth(lua_State *L, void *ctx) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, ((AuthAsk *)ctx)->ref);
  return 0;
}

static void ask_script(Connection *c, Declaration *decl) {
  AuthAsk *ask = xcalloc(1, sizeof *ask);
  *ask = (AuthAsk){c, decl->functions[CONNECTION_AUTH]};
  c->ask = ask;
  task_start(decl->gen, TASK_NAME("the auth of", c->res->name), push_auth, ask, auth_done,
             ask);
}

static void on_auth(void *ctx) {
  Connection *c = ctx;
  if (c->ask) c->ask->connection = NULL;
  c->ask = NULL;
  Declaration *decl = c->res->decls;
  if (!decl || decl->attached || decl->functions[CONNECTION_AUTH] == LUA_NOREF) {
    socket_auth(c->socket, NULL, 0);
    return;
  }
  lua_State *L = decl->gen->L;
  bool function = lua_rawgeti(L, LUA_REGISTRYINDEX, decl->functions[CONNECTION_AUTH]) ==
                  LUA_TFUNCTION;
  if (!function) answer_auth(c, L, lua_gettop(L));
  lua_pop(L, 1);
  if (function) ask_script(c, decl);
}

/* --- the resource ----------------------------------------------------------------- */

static int open_connection(Resource *res, Error *err) {
  static const SocketCallbacks callbacks = {on_auth, on_state, on_connect_error, on_event,
                                            on_message};
  ConnectionOptions *options = res->options;
  Connection *c = xcalloc(1, sizeof *c);
  c->res = res;
  c->number = ++res->owner->rt->connections;
  c->socket = socket_new(res->owner->rt->net, &options->net, &callbacks, c, err);
  if (!c->socket) {
    free(c);
    return (int)err->code;
  }
  res->core = c;
  return 0;
}

static void start_connection(Resource *res) {
  Connection *c = res->core;
  ConnectionOptions *options = res->options;
  if (options->auto_connect) socket_connect(c->socket);
}

static void close_connection(Resource *res) {
  Connection *c = res->core;
  res->core = NULL;
  if (!c) return;
  if (c->ask) c->ask->connection = NULL;
  socket_free(c->socket);
  c->res = NULL;
  if (!c->firing) free(c);
}

static bool connection_alive(const Resource *res) {
  const Connection *c = res->core;
  if (!c) return false;
  SocketState state = socket_state(c->socket);
  return state != SOCKET_IDLE && state != SOCKET_CLOSED;
}

static bool same_options(const void *a, const void *b) {
  const ConnectionOptions *x = a, *y = b;
  return x->auto_connect == y->auto_connect && x->frames == y->frames &&
         socket_options_equal(&x->net, &y->net);
}

static void free_connection_options(void *options) {
  socket_options_free(&((ConnectionOptions *)options)->net);
  free(options);
}

const ResourceKind connection_kind = {.name = "socket",
                                      .open = open_connection,
                                      .start = start_connection,
                                      .close = close_connection,
                                      .alive = connection_alive,
                                      .same = same_options,
                                      .free_options = free_connection_options};

Socket *connection_socket(const Declaration *decl) {
  if (!decl->res || !decl->res->core) return NULL;
  return ((Connection *)decl->res->core)->socket;
}

const char *connection_state(const Declaration *decl) {
  Socket *socket = connection_socket(decl);
  if (!socket) return decl->attached ? "pending" : "closed";
  return state_name(socket_state(socket));
}

bool connection_is_plain(const Declaration *decl) {
  return ((ConnectionOptions *)decl->res->options)->net.protocol == SOCKET_WEBSOCKET;
}

Frames connection_frames(const Declaration *decl) {
  return ((ConnectionOptions *)decl->res->options)->frames;
}
