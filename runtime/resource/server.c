/* See server.h. */
#include "resource/server.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/fakes.h"
#include "net/guard.h"
#include "resource/server_options.h"

/* The object of the resource. A request in the hands of a task holds a reference: the
 * task may outlive the resource. */
typedef struct ServerObject {
  Server *server; /* NULL: closed */
  Resource *res;
  int refs;
  NetFake *fake; /* how connections come to a fake server; owned; NULL: a real one */
  ServerFault fault;
  bool refuses;
  size_t faults, bytes; /* for so many connections to come; of SERVER_FAULT_CUT */
} ServerObject;

static void unref_object(ServerObject *object) {
  if (--object->refs == 0) free(object);
}

/* --- events ----------------------------------------------------------------------- */

static Declaration *owner_of(const ServerObject *object) {
  Declaration *decl = object->res->decls;
  return decl && !decl->attached && declaration_live(decl) ? decl : NULL;
}

typedef struct Call {
  Declaration *decl;
  uint64_t id;
  const ServerRequest *request;
  const char *data;
  size_t len;
  bool binary;
  int code;
} Call;

static void push_function(lua_State *L, const Call *call, int function) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, call->decl->functions[function]);
  lua_pushinteger(L, (lua_Integer)call->id);
}

/* Headers that came more than once are joined, as RFC 9110 allows. */
static void push_headers(lua_State *L, const Http1Request *http) {
  lua_createtable(L, 0, (int)http->header_count);
  for (size_t i = 0; i < http->header_count; i++) {
    const Http1Header *h = &http->headers[i];
    if (lua_getfield(L, -1, h->name) == LUA_TSTRING) {
      lua_pushstring(L, strcmp(h->name, "cookie") == 0 ? "; " : ", ");
      lua_pushstring(L, h->value);
      lua_concat(L, 3);
    } else {
      lua_pop(L, 1);
      lua_pushstring(L, h->value);
    }
    lua_setfield(L, -2, h->name);
  }
}

static int push_request(lua_State *L, void *ctx) {
  Call *call = ctx;
  const Http1Request *http = call->request->http;
  push_function(L, call, SERVER_REQUEST);
  lua_createtable(L, 0, 8);
  lua_pushstring(L, http->method);
  lua_setfield(L, -2, "method");
  lua_pushstring(L, http->path);
  lua_setfield(L, -2, "path");
  lua_pushstring(L, http->query);
  lua_setfield(L, -2, "query_string");
  lua_pushlstring(L, http->body, http->body_len);
  lua_setfield(L, -2, "body");
  lua_pushstring(L, call->request->remote);
  lua_setfield(L, -2, "remote");
  lua_pushboolean(L, call->request->websocket);
  lua_setfield(L, -2, "websocket");
  push_headers(L, http);
  lua_setfield(L, -2, "headers");
  return 2;
}

static int push_gone(lua_State *L, void *ctx) {
  push_function(L, ctx, SERVER_GONE);
  return 1;
}

static int push_message(lua_State *L, void *ctx) {
  Call *call = ctx;
  push_function(L, call, SERVER_MESSAGE);
  lua_pushlstring(L, call->data, call->len);
  lua_pushboolean(L, call->binary);
  return 3;
}

static int push_closed(lua_State *L, void *ctx) {
  Call *call = ctx;
  push_function(L, call, SERVER_CLOSED);
  lua_pushinteger(L, call->code);
  lua_pushlstring(L, call->data, call->len);
  return 3;
}

static void answer_error(Server *server, uint64_t id, int status, const char *message) {
  static const char *const headers[] = {"Content-Type: application/json", NULL};
  char body[128];
  Error err;
  int len =
      snprintf(body, sizeof body, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}",
               status == 503 ? "CLOSED" : "INTERNAL", message);
  server_respond(server, id, status, headers, body, (size_t)len, &err);
}

/* A request in the hands of a task. */
typedef struct Answer {
  ServerObject *object;
  uint64_t id;
} Answer;

static void answer_unanswered(Server *server, uint64_t id, TaskOutcome outcome) {
  if (outcome == TASK_FAILED) answer_error(server, id, 500, "the handler failed");
  else if (outcome == TASK_NOT_BEGUN) answer_error(server, id, 500, "no memory");
  else if (outcome != TASK_OK) answer_error(server, id, 503, "stopped");
  server_finish(server, id, false); /* one in pieces that its task has not ended */
}

static void request_done(void *ctx, lua_State *co, int results, TaskOutcome outcome) {
  Answer *answer = ctx;
  Server *server = answer->object->server;
  (void)co, (void)results;
  if (server) answer_unanswered(server, answer->id, outcome);
  unref_object(answer->object);
  free(answer);
}

static void on_request(void *ctx, const ServerRequest *request) {
  ServerObject *object = ctx;
  Declaration *decl = owner_of(object);
  if (!decl) {
    answer_error(object->server, request->id, 503, "the script is not there");
    return;
  }
  const char *path = request->http->path;
  TaskName name = {"the handler of", request->http->method, path, strlen(path)};
  Call call = {.decl = decl, .id = request->id, .request = request};
  Answer *answer = xcalloc(1, sizeof *answer);
  *answer = (Answer){object, request->id};
  object->refs++;
  task_start(decl->vm, name, push_request, &call, request_done, answer);
}

static void start_handler(ServerObject *object, const char *what, TaskPush *push,
                          Call *call) {
  call->decl = owner_of(object);
  if (!call->decl) return;
  TaskName name = {"the handler of", object->res->name, what, strlen(what)};
  task_start(call->decl->vm, name, push, call, NULL, NULL);
}

static void on_gone(void *ctx, uint64_t id) {
  Call call = {.id = id};
  start_handler(ctx, "end", push_gone, &call);
}

static int push_drained(lua_State *L, void *ctx) {
  push_function(L, ctx, SERVER_DRAINED);
  return 1;
}

static void on_drained(void *ctx, uint64_t id) {
  Call call = {.id = id};
  start_handler(ctx, "stream", push_drained, &call);
}

static void on_client_message(void *ctx, uint64_t id, bool binary, const char *data,
                              size_t len) {
  Call call = {.id = id, .binary = binary, .data = data, .len = len};
  start_handler(ctx, "message", push_message, &call);
}

static void on_closed(void *ctx, uint64_t id, int code, const char *reason, size_t len) {
  Call call = {.id = id, .code = code, .data = reason, .len = len};
  start_handler(ctx, "end", push_closed, &call);
}

/* --- a fake server ---------------------------------------------------------------- */

static bool has_fault(const ServerObject *o) {
  return o->faults > 0;
}

static void use_fault(ServerObject *o) {
  if (o->faults > 0 && o->faults < SIZE_MAX) o->faults--;
}

static bool admits_fake(void *ctx) {
  ServerObject *o = ctx;
  if (!has_fault(o) || !o->refuses) return true;
  use_fault(o);
  return false;
}

static void take_fake(void *ctx, int fd) {
  ServerObject *o = ctx;
  bool faulty = has_fault(o) && !o->refuses;
  if (faulty) use_fault(o);
  server_adopt(o->server, fd, faulty ? o->fault : SERVER_FAULT_NONE, o->bytes);
}

static int open_fake(ServerObject *o, Error *err) {
  static const FakeEvents events = {admits_fake, take_fake};
  const ServerOptions *options = o->res->options;
  const Host *host = o->res->owner->host;
  if (!options->fake) return 0;
  o->fake = fakes_open(net_fakes(host->resources->net), host->loop, options->fake,
                       &events, o, err);
  return o->fake ? 0 : (int)err->code;
}

static const char *const faults[] = {"none", "hang", "reset", "cut", "refuse", NULL};

bool server_fail(const Declaration *decl, const char *what, size_t times, size_t bytes) {
  ServerObject *o = decl->res ? decl->res->object : NULL;
  size_t kind = 0;
  while (faults[kind] && strcmp(faults[kind], what) != 0) kind++;
  if (!o || !faults[kind]) return false;
  o->refuses = kind > SERVER_FAULT_CUT;
  o->fault = o->refuses ? SERVER_FAULT_NONE : (ServerFault)kind;
  o->faults = times;
  o->bytes = bytes;
  server_drop(o->server, false);
  return true;
}

/* --- the resource ----------------------------------------------------------------- */

static int open_object(Resource *res, Error *err) {
  static const ServerCallbacks callbacks = {on_request, on_gone, on_drained,
                                            on_client_message, on_closed};
  ServerObject *object = xcalloc(1, sizeof *object);
  *object = (ServerObject){.res = res, .refs = 1};
  ServerOptions options = *(const ServerOptions *)res->options;
  options.charge = res->owner->charge;
  object->server = server_open(res->owner->host->resources->servers, &options, &callbacks,
                               object, err);
  if (!object->server || open_fake(object, err) != 0) {
    if (object->server) server_close(object->server);
    free(object);
    return (int)err->code;
  }
  res->object = object;
  return 0;
}

static void close_object(Resource *res) {
  ServerObject *object = res->object;
  if (!object) return;
  if (object->fake) {
    fakes_close(object->fake);
    guards_forget(res->owner->host->resources->net);
  }
  object->fake = NULL;
  server_close(object->server);
  object->server = NULL;
  object->res = NULL;
  res->object = NULL;
  unref_object(object);
}

static bool is_alive(const Resource *res) {
  return res->decls != NULL;
}

static void change_object(Resource *res, const void *before) {
  (void)before;
  server_retune(((ServerObject *)res->object)->server, res->options);
}

const ResourceKind server_kind = {.name = "server",
                                  .open = open_object,
                                  .close = close_object,
                                  .alive = is_alive,
                                  .same = server_options_same,
                                  .in_place = server_options_same_place,
                                  .change = change_object,
                                  .exclusive = server_options_same_port,
                                  .differs = server_options_differ,
                                  .check = server_options_check,
                                  .free_options = server_options_free};

Server *server_of(const Declaration *decl) {
  ServerObject *object = decl->res ? decl->res->object : NULL;
  return object ? object->server : NULL;
}
