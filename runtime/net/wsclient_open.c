/* Opening a WebSocket: the URL, curl's connection, the handshake on it. */
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "net/net_url.h"
#include "net/wsclient_ends.h"
#include "net/wsclient_io.h"

/* --- the answer ------------------------------------------------------------------- */

static void become_open(WsClient *ws, const WsAgreed *agreed, size_t used) {
  Opening *opening = ws->opening;
  ws->opening = NULL;
  if (ws->tls) curl_easy_setopt(ws->transfer.easy, CURLOPT_ERRORBUFFER, NULL);
  timer_stop(net_loop(ws->net), &ws->timer);
  ws->parser = ws_parser_new(WS_CLIENT, ws->max_message);
  if (agreed->deflate.agreed) {
    ws->deflate = deflate_new(&agreed->deflate, true, ws->compression.level);
    ws_parser_inflate(ws->parser, ws->deflate);
  }
  ws->framed = ws_buffered(ws) == 0;
  ws->state = WS_IS_OPEN;
  ws->io = &ws_open_io;
  ws->callbacks.open(ws->ctx, agreed->subprotocol);
  if (opening->in.len > used)
    ws_take_frames(ws, opening->in.data + used, opening->in.len - used);
  ws_opening_free(opening);
}

static void take_answer(WsClient *ws, char *data, size_t len) {
  Opening *opening = ws->opening;
  WsRequest asked = {.key = opening->key,
                     .subprotocols = opening->subprotocols,
                     .deflate = &ws->compression,
                     .now = clock_wall()};
  WsAgreed agreed;
  Error err;
  if (ws->abandoned) return; /* `later` will end it */
  buffer_put(&opening->in, data, len);
  long used = ws_response(opening->in.data, opening->in.len, &asked, &agreed, &err);
  if (used > 0) become_open(ws, &agreed, (size_t)used);
  if (used >= 0) return;
  err.phase = "handshake";
  ws_end(ws, 1006, "", 0, &err);
}

static void take_bytes(WsClient *ws, char *data, size_t len) {
  if (ws->state == WS_HANDSHAKE) take_answer(ws, data, len);
}

static const WsIoEvents opening_io = {take_bytes, ws_break, ws_release};

/* --- the connection --------------------------------------------------------------- */

static double answer_deadline(const WsClient *ws) {
  const Opening *opening = ws->opening;
  double soon = loop_now(net_loop(ws->net)) + opening->patience;
  return opening->patience > 0 && soon < opening->deadline ? soon : opening->deadline;
}

static void take_connection(WsClient *ws) {
  curl_socket_t fd = CURL_SOCKET_BAD;
  ws->tls |= ws->transfer.tls;
  if (ws->tls) curl_easy_getinfo(ws->transfer.easy, CURLINFO_ACTIVESOCKET, &fd);
  else fd = net_take_socket(ws->net, &ws->transfer);
  ws->state = WS_HANDSHAKE;
  if (fd == CURL_SOCKET_BAD) {
    ws_break(ws, CURLE_OK);
    return;
  }
  timer_start_at(net_loop(ws->net), &ws->timer, answer_deadline(ws));
  ws_start_io(ws, fd);
  ws_flush(ws);
}

static void on_done(Transfer *transfer, CURLcode result) {
  WsClient *ws = CONTAINER_OF(transfer, WsClient, transfer);
  Error err;
  ws_enter(ws);
  if (result == CURLE_OK) take_connection(ws);
  else {
    net_error(&err, transfer->easy, result, ws->opening->words, ws->url);
    err.sent = SENT_NOT_APPLICABLE;
    ws_end(ws, 1006, "", 0, &err);
  }
  ws_leave(ws);
}

static void start_transfer(WsClient *ws, const WsOptions *options, const NetUrl *url,
                           double timeout) {
  CURL *easy = ws->transfer.easy = net_easy(ws->net);
  ws->transfer.done = on_done;
  curl_easy_setopt(easy, CURLOPT_URL, url->url);
  curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 1024L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, net_milliseconds(timeout));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, ws->opening->words);
  route_apply(&options->route, url, &ws->transfer);
  net_add_apart(ws->net, &ws->transfer);
}

/* --- what is asked for ------------------------------------------------------------ */

/* Returns new: the caller's headers and one more, if there is one; borrows each. */
static const char **with_header(const char *const *headers, const char *more) {
  size_t count = 0;
  while (headers && headers[count]) count++;
  const char **list = xcalloc(count + 2, sizeof *list);
  for (size_t i = 0; i < count; i++) list[i] = headers[i];
  list[count] = more;
  return list;
}

static int write_request(WsClient *ws, const WsOptions *options, const NetUrl *url,
                         Error *err) {
  char *basic = net_url_basic("Authorization", url->user, url->password);
  const char **headers = with_header(options->headers, basic);
  char *target = url->query ? xasprintf("%s?%s", url->path, url->query) : NULL;
  WsRequest request = {.host = url->authority,
                       .target = target ? target : url->path,
                       .key = ws->opening->key,
                       .subprotocols = options->subprotocols,
                       .headers = headers,
                       .deflate = &ws->compression};
  int code = ws_request_check(&request, err);
  if (code == 0) ws_request(&ws->queued, &request);
  free(target);
  free(headers);
  free(basic);
  return code;
}

static WsClient *client_new(Net *net, const WsOptions *options, const NetUrl *url) {
  WsClient *ws = xcalloc(1, sizeof *ws);
  ws->net = net;
  ws->tls = strncmp(url->origin, "https:", 6) == 0;
  ws->url = xstrdup(net_url_name(url));
  ws->io = &opening_io;
  ws->timer.fire = ws_on_timer;
  ws->close_timeout = options->close_timeout > 0 ? options->close_timeout : 2;
  ws->max_message = options->max_message ? options->max_message : WS_MAX_MESSAGE;
  ws->charge = charge_ref(options->charge);
  ws->max_buffered = options->max_buffered ? options->max_buffered : WS_MAX_MESSAGE;
  ws->compression = options->deflate;
  ws->opening = xcalloc(1, sizeof *ws->opening);
  ws->opening->subprotocols = xstrdup(options->subprotocols);
  return ws;
}

WsClient *ws_open(Net *net, const WsOptions *options, const WsCallbacks *callbacks,
                  void *ctx, Error *err) {
  NetUrl url;
  uint8_t random[16];
  if (net_url_parse(&url, options->url, true, err) != 0) return NULL;
  WsClient *ws = client_new(net, options, &url);
  ws->callbacks = *callbacks;
  ws->ctx = ctx;
  net_random(net, random, sizeof random);
  ws_key(random, ws->opening->key);
  int code = route_check(&options->route, err);
  if (!code) code = write_request(ws, options, &url, err);
  if (code) {
    ws_free(ws);
    ws = NULL;
  } else {
    double timeout = options->connect_timeout > 0 ? options->connect_timeout : 20;
    ws->opening->deadline = loop_now(net_loop(net)) + timeout;
    ws->opening->patience = options->answer_timeout;
    start_transfer(ws, options, &url, timeout);
  }
  net_url_free(&url);
  return ws;
}
