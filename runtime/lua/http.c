/* tidelock.http.core: one request, waited for. stdlib/http.lua checks the options, joins
 * URLs and shapes the response: the options that come here are complete. */
#include <lauxlib.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/luaerror.h"
#include "bridge/luajson.h"
#include "core/clock.h"
#include "lua/http_cookies.h"
#include "lua/http_progress.h"
#include "lua/http_stream.h"
#include "lua/modules.h"
#include "lua/number.h"
#include "lua/open_file.h"
#include "lua/route.h"
#include "lua/session.h"
#include "net/http.h"
#include "net/net_url.h"
#include "proto/httpdate.h"
#include "resource/resources.h"
#include "vm/task_wait.h"

/* Owned by the task that waits, until on_done or cancel_exchange. */
typedef struct Exchange {
  Wait wait;
  HttpRequest *http;
  Task *task;
  bool stream;
  ProgressCall *progress; /* owned; NULL: none */
} Exchange;

/* Passed from on_done to the task, while it is woken. */
typedef struct Outcome {
  HttpResponse *response;
  const Error *err;
  /* Where the request is whose body is read from now on; NULL there: a box has taken it.
   * NULL: the body is here. */
  HttpRequest **stream;
  ProgressCall *progress; /* taken with the stream */
  bool probed;
} Outcome;

/* --- the response ----------------------------------------------------------------- */

static void push_lower(lua_State *L, const char *text, size_t len) {
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, len);
  for (size_t i = 0; i < len; i++)
    out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
  luaL_pushresultsize(&b, len);
}

/* Stack: headers, name, value → headers. Cookies cannot be joined: they make a list. */
static void add_header(lua_State *L) {
  lua_pushvalue(L, -2);
  int had = lua_rawget(L, -4);
  if (strcmp(lua_tostring(L, -3), "set-cookie") == 0) {
    if (had == LUA_TNIL) {
      lua_pop(L, 1);
      lua_newtable(L);
      luajson_set_mark(L, -1, JSON_ARRAY);
    }
    lua_insert(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  } else if (had == LUA_TNIL) {
    lua_pop(L, 1);
  } else {
    lua_insert(L, -2);
    lua_pushliteral(L, ", ");
    lua_insert(L, -2);
    lua_concat(L, 3);
  }
  lua_rawset(L, -3);
}

/* Pushes a table of the lines "Name: value"; a line without a colon is passed over. */
static void push_headers(lua_State *L, const Buffer *lines) {
  lua_newtable(L);
  const char *at = lines->data, *end = at + lines->len;
  while (at < end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    const char *colon = memchr(at, ':', (size_t)(stop - at));
    if (colon) {
      const char *value = colon + 1 + strspn(colon + 1, " \t");
      push_lower(L, at, (size_t)(colon - at));
      lua_pushlstring(L, value, (size_t)(stop - value));
      add_header(L);
    }
    at = stop + 1;
  }
}

static int push_response(lua_State *L, const Outcome *outcome) {
  HttpResponse *response = outcome->response;
  lua_createtable(L, 0, 5);
  lua_pushinteger(L, response->status);
  lua_setfield(L, -2, "status");
  lua_pushstring(L, response->version);
  lua_setfield(L, -2, "version");
  lua_pushstring(L, response->url);
  lua_setfield(L, -2, "url");
  if (outcome->stream) {
    http_stream_push(L, outcome->stream, outcome->progress);
    lua_setfield(L, -2, "stream");
  } else {
    lua_pushlstring(L, response->body.len ? response->body.data : "", response->body.len);
    lua_setfield(L, -2, "body");
    buffer_free(&response->body); /* the task may run on for long */
  }
  push_headers(L, &response->headers);
  lua_setfield(L, -2, "headers");
  return 1;
}

static int push_outcome(lua_State *L, void *ctx) {
  Outcome *outcome = ctx;
  int count = outcome->err ? luaerror_return(L, outcome->err) : push_response(L, outcome);
  if (!outcome->probed) return count;
  if (count == 1) lua_pushnil(L);
  lua_pushboolean(L, true);
  return 3;
}

static void on_done(void *ctx, HttpResponse *response, const Error *err) {
  Exchange *x = ctx;
  Task *task = x->task;
  HttpRequest *http = x->http, *streamed = x->stream && response ? http : NULL;
  Outcome outcome = {response, err, streamed ? &streamed : NULL, x->progress,
                     http_has_probed(http)};
  if (!streamed) progress_free(x->progress);
  free(x);
  task_wake(task, push_outcome, &outcome);
  if (!streamed) return;
  http_cancel(streamed); /* there was no memory for its box */
  progress_free(outcome.progress);
}

static void cancel_exchange(Wait *wait) {
  Exchange *x = CONTAINER_OF(wait, Exchange, wait);
  http_cancel(x->http);
  progress_free(x->progress);
  free(x);
}

/* --- the request ------------------------------------------------------------------ */

/* Borrows the string from the table at 1. NULL: absent. Sets *err where it holds a zero
 * byte, at which C would cut it off. */
static const char *text_field(lua_State *L, const char *name, Error *err) {
  size_t len = 0;
  lua_getfield(L, 1, name);
  const char *text = luaL_optlstring(L, -1, NULL, &len);
  lua_pop(L, 1);
  if (text && strlen(text) != len)
    error_set(err, ERR_INVALID, "the %s of a request holds a zero byte", name);
  return text;
}

/* The size; 0, which stands for the default, for a number that is none. */
static size_t size_of(double value) {
  return value >= 1 && value <= 9e15 ? (size_t)value : 0;
}

static bool flag_field(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static double number_field(lua_State *L, const char *name, double standard) {
  lua_getfield(L, 1, name);
  double value = luaL_optnumber(L, -1, standard);
  lua_pop(L, 1);
  return value;
}

/* The standard is the least; more than an int holds is the most of one. */
static int count_field(lua_State *L, const char *name, int standard) {
  double value = number_field(L, name, standard);
  return isnan(value) ? standard : (int)fmin(fmax(value, standard), INT_MAX);
}

/* Pushes "Authorization: Bearer ..." where the request has a session whose token is for
 * its URL, and notes in it which token that is; else nil. */
static void push_bearer(lua_State *L, const Task *task, const HttpOptions *options,
                        Error *err) {
  int64_t serial;
  lua_getfield(L, 1, "session");
  Session *s = lua_isnil(L, -1) || !options->url ? NULL : session_at(L, -1);
  const char *token = s ? session_token_for(s, task, options->url, &serial) : NULL;
  if (token && session_check_way_at(L, -1, &options->route, err) != 0) token = NULL;
  lua_pop(L, 1);
  if (!token) {
    lua_pushnil(L);
    return;
  }
  lua_pushinteger(L, serial);
  lua_setfield(L, 1, "serial");
  lua_pushfstring(L, "Authorization: Bearer %s", token);
}

static bool is_authorization(const char *line) {
  return strncasecmp(line, "authorization:", strlen("authorization:")) == 0;
}

/* Leaves the list of pointers, a userdata, on the stack. The header of the session is on
 * top; one that the script gives goes before it. */
static const char *const *header_field(lua_State *L, Error *err) {
  const char *bearer = lua_tostring(L, -1);
  lua_getfield(L, 1, "headers");
  luaL_checktype(L, -1, LUA_TTABLE);
  lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
  const char **lines = lua_newuserdatauv(L, ((size_t)count + 2) * sizeof *lines, 0);
  for (lua_Integer i = 0; i < count; i++) {
    size_t len;
    lua_rawgeti(L, -2, i + 1);
    lines[i] = luaL_checklstring(L, -1, &len);
    if (strlen(lines[i]) != len)
      error_set(err, ERR_INVALID, "a header of a request holds a zero byte");
    if (is_authorization(lines[i])) bearer = NULL;
    lua_pop(L, 1);
  }
  if (!bearer) {
    lua_pushnil(L);
    lua_setfield(L, 1, "serial");
  }
  lines[count] = bearer;
  lines[count + (bearer != NULL)] = NULL;
  return lines;
}

static bool is_false(lua_State *L, const char *name) {
  bool given = lua_getfield(L, 1, name) == LUA_TBOOLEAN && !lua_toboolean(L, -1);
  lua_pop(L, 1);
  return given;
}

/* files = {open file, where it begins in the body, ...}. Leaves the list, a userdata, on
 * the stack. */
static void read_files(lua_State *L, HttpOptions *options) {
  if (lua_getfield(L, 1, "files") != LUA_TTABLE) return;
  size_t count = (size_t)lua_rawlen(L, -1) / 2;
  HttpFile *files = lua_newuserdatauv(L, count * sizeof *files + 1, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)(2 * i + 1));
    lua_rawgeti(L, -3, (lua_Integer)(2 * i + 2));
    const OpenFile *file = open_file_check(L, -2);
    files[i] = (HttpFile){file->fd, (uint64_t)luaL_checkinteger(L, -1), file->size};
    lua_pop(L, 2);
  }
  options->files = files;
  options->file_count = count;
}

/* What most requests do not have. The function is taken last: nothing fails behind it. */
static void read_rare(lua_State *L, HttpOptions *options, Error *err) {
  options->connect_timeout = number_field(L, "connect_timeout", 0);
  options->max_body = size_of(number_field(L, "max_body", 0));
  options->max_redirects = count_field(L, "redirects", -1);
  options->max_connections = count_field(L, "max_connections", 0);
  options->keep_alive = number_field(L, "keep_alive_timeout", 0);
  options->http2 = flag_field(L, "http2");
  options->raw = is_false(L, "decompress");
  options->guarded = !is_false(L, "breaker");
  options->stream = flag_field(L, "stream");
  options->open_ended = flag_field(L, "open_ended");
  options->idle_timeout = number_field(L, "idle_timeout", 0);
  options->cookies = http_cookies_field(L, err);
  read_files(L, options);
  lua_getfield(L, 1, "on_progress");
  options->progress_ctx = progress_new(L, -1);
  if (options->progress_ctx) options->progress = progress_tell;
}

static void read_options(lua_State *L, const Task *task, HttpOptions *options,
                         Error *err) {
  options->method = text_field(L, "method", err);
  options->url = text_field(L, "url", err);
  options->route = route_read(L, 1, "http");
  options->timeout = number_field(L, "timeout", 0);
  options->taken = count_field(L, "taken", 0);
  options->max_redirects = -1;
  options->guarded = true;
  lua_getfield(L, 1, "body");
  options->body = luaL_optlstring(L, -1, NULL, &options->body_len);
  push_bearer(L, task, options, err);
  options->headers = header_field(L, err);
  if (flag_field(L, "more")) read_rare(L, options, err);
}

/* request(options) → {status, headers, body, url} | nil, err; behind it, true where this
 * was the probe of a breaker, which is told already */
static int f_request(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  Task *task = task_waiter(L, "an HTTP request");
  HttpOptions options = {0};
  Error err = {0};
  read_options(L, task, &options, &err);
  if (err.code) {
    progress_free(options.progress_ctx);
    return luaerror_return(L, &err);
  }
  options.owner = task_vm(task)->owner;
  options.charge = task_vm(task)->owner->charge;
  Exchange *x = xcalloc(1, sizeof *x);
  *x = (Exchange){.wait.cancel = cancel_exchange,
                  .task = task,
                  .stream = options.stream,
                  .progress = options.progress_ctx};
  x->http = http_start(task_host(task)->resources->net, &options, on_done, x, &err);
  if (x->http) return task_wait(L, task, &x->wait);
  progress_free(x->progress);
  free(x);
  err.sent = SENT_NO;
  return luaerror_return(L, &err);
}

/* --- breakers and budgets --------------------------------------------------------- */

/* settle(url, status | code): how a call ended that request() left open */
static int f_settle(lua_State *L) {
  const Vm *vm = vm_of(L);
  bool is_status = lua_isinteger(L, 2);
  ErrorCode code = is_status ? ERR_NONE : error_code(luaL_checkstring(L, 2));
  if (!is_status && code == ERR_NONE) return 0; /* a script's own */
  http_settle(vm->host->resources->net, vm->owner, luaL_checkstring(L, 1), code,
              is_status ? (int)lua_tointeger(L, 2) : 0);
  return 0;
}

/* take(url, whether after a timeout) → what a retry costs | nil */
static int f_take(lua_State *L) {
  const Vm *vm = vm_of(L);
  int cost = http_take_retry(vm->host->resources->net, vm->owner, luaL_checkstring(L, 1),
                             lua_toboolean(L, 2));
  if (cost) lua_pushinteger(L, cost);
  else lua_pushnil(L);
  return 1;
}

/* share() → 0 <= x < 1: math.random is the script's, which may seed it */
static int f_share(lua_State *L) {
  lua_pushnumber(L, net_random_share(vm_of(L)->host->resources->net));
  return 1;
}

/* --- dates ------------------------------------------------------------------------ */

static int push_seconds(lua_State *L, double seconds) {
  if (isnan(seconds)) lua_pushnil(L);
  else lua_pushnumber(L, seconds);
  return 1;
}

/* date(text) → seconds | nil */
static int f_date(lua_State *L) {
  return push_seconds(L, http_date(luaL_optstring(L, 1, NULL), clock_wall()));
}

/* retry_after(value, date, now) → seconds | nil. Strings or nil; now: by default, now. */
static int f_retry_after(lua_State *L) {
  const char *value = luaL_optstring(L, 1, NULL), *date = luaL_optstring(L, 2, NULL);
  return push_seconds(L,
                      http_retry_after(value, date, luaL_optnumber(L, 3, clock_wall())));
}

/* number(value) → its text | nil where it is not finite */
static int f_number(lua_State *L) {
  luaL_checknumber(L, 1);
  if (!number_push_text(L, 1)) lua_pushnil(L);
  return 1;
}

/* --- URLs ------------------------------------------------------------------------- */

/* A URL that stays on the socket of `from`: unix:/run/app.sock:/path?query. */
static void push_unix(lua_State *L, const NetUrl *from, const NetUrl *to) {
  lua_pushfstring(L, "unix:%s:%s%s%s", from->unix_path, to->path, to->query ? "?" : "",
                  to->query ? to->query : "");
}

/* As with a redirect, a server cannot lead to a socket of this machine. */
static void push_resolved(lua_State *L, const NetUrl *from, const char *text) {
  Error err = {0};
  NetUrl to;
  bool usable = net_url_parse(&to, text, false, &err) == 0 && !to.unix_path;
  if (usable) net_url_stay(&to, from);
  if (!usable) lua_pushnil(L);
  else if (to.unix_path) push_unix(L, from, &to);
  else lua_pushstring(L, to.url);
  net_url_free(&to);
}

/* resolve(base, reference) → an absolute URL | nil where it leads to none. The URL of a
 * response and what it names, as RFC 3986, 5 has it; without credentials and fragment. */
static int f_resolve(lua_State *L) {
  size_t len;
  const char *base = luaL_checkstring(L, 1), *reference = luaL_checklstring(L, 2, &len);
  Error err = {0};
  NetUrl from;
  if (strlen(reference) != len || net_url_parse(&from, base, false, &err)) {
    lua_pushnil(L);
    return 1;
  }
  char *text = net_url_resolve(&from, reference, len);
  if (text) push_resolved(L, &from, text);
  else lua_pushnil(L);
  free(text);
  net_url_free(&from);
  return 1;
}

int luaopen_tidelock_http_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"request", f_request},
                                       {"settle", f_settle},
                                       {"take", f_take},
                                       {"share", f_share},
                                       {"date", f_date},
                                       {"retry_after", f_retry_after},
                                       {"number", f_number},
                                       {"resolve", f_resolve},
                                       {"cookies", http_cookies_list},
                                       {"clear", http_cookies_clear},
                                       {"read", http_stream_read},
                                       {"close", http_stream_close},
                                       {NULL, NULL}};
  http_stream_class(L);
  open_file_class(L);
  luaL_newlib(L, functions);
  return 1;
}
