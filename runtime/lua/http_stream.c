/* Bodies of responses that are read as they come: see http_stream.h. The box owns the
 * request; one task may wait for the next piece. A task that is cancelled meanwhile, the
 * end of the generation, and a box that nobody holds any more close it. */
#include "lua/http_stream.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/box.h"
#include "bridge/luaerror.h"
#include "vm/task_wait.h"

typedef struct Stream {
  Wait wait;
  HttpRequest *http;      /* NULL: closed */
  Task *task;             /* waits; NULL: none does */
  ProgressCall *progress; /* owned; NULL: none */
} Stream;

static void close_stream(Stream *s) {
  if (s->http) http_cancel(s->http);
  s->http = NULL;
  progress_free(s->progress);
  s->progress = NULL;
}

static int push_closed(lua_State *L, void *ctx) {
  (void)ctx;
  Error err = {0};
  error_set(&err, ERR_ABORTED, "the response was closed while its body was read");
  err.sent = SENT_YES;
  return luaerror_return(L, &err);
}

static void release_stream(Box *box) {
  Stream *s = box->object;
  if (s->task) task_wake_later(s->task, push_closed, NULL);
  close_stream(s);
  free(s);
}

static const BoxKind stream_box = {"response stream", release_stream};

void http_stream_class(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  box_class(L, &stream_box, none, NULL);
}

/* --- reading ---------------------------------------------------------------------- */

/* Pushes what there is; 0: it has to be waited for. */
static int push_piece(lua_State *L, Stream *s) {
  const char *bytes;
  size_t len;
  switch (http_peek(s->http, &bytes, &len)) {
  case HTTP_LATER:
    return 0;
  case HTTP_PIECE:
    lua_pushlstring(L, bytes, len);
    http_taken(s->http);
    return 1;
  case HTTP_END:
    lua_pushnil(L);
    return 1;
  case HTTP_FAILED:
    break;
  }
  return luaerror_return(L, http_failure(s->http));
}

static int push_news(lua_State *L, void *ctx) {
  return push_piece(L, ctx);
}

static void on_more(void *ctx) {
  Stream *s = ctx;
  Task *task = s->task;
  s->task = NULL;
  if (task) task_wake(task, push_news, s);
}

static void cancel_read(Wait *wait) {
  Stream *s = CONTAINER_OF(wait, Stream, wait);
  s->task = NULL;
  close_stream(s);
}

void http_stream_push(lua_State *L, HttpRequest **request, ProgressCall *progress) {
  Box *box = box_new(L, &stream_box);
  Stream *s = xcalloc(1, sizeof *s);
  s->wait.cancel = cancel_read;
  s->http = *request;
  s->progress = progress;
  box->object = s;
  http_on_more(s->http, on_more, s);
  *request = NULL;
}

HttpRequest *http_stream_take(lua_State *L, int index) {
  Box *box = box_to(L, index, &stream_box);
  Stream *s = box->object;
  if (!s || !s->http) return NULL;
  if (s->task) luaL_error(L, "another task reads the body of this response");
  HttpRequest *http = s->http;
  s->http = NULL;
  box_release(box);
  return http;
}

int http_stream_read(lua_State *L) {
  Stream *s = box_to(L, 1, &stream_box)->object;
  Task *task = task_waiter(L, "reading the body of a response");
  if (!s || !s->http) return push_closed(L, NULL);
  if (s->task) return luaL_error(L, "another task reads the body of this response");
  int count = push_piece(L, s);
  if (count) return count;
  s->task = task;
  return task_wait(L, task, &s->wait);
}

int http_stream_close(lua_State *L) {
  box_release(box_to(L, 1, &stream_box));
  return 0;
}
