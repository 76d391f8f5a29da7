/* From curl's result codes to ours: which code, in which phase, and whether the server
 * can have seen the request. Pure but for what it asks of the easy handle.
 *
 * curl's codes alone do not say which: 56 is a reset, a refusing proxy and a bad chunk, 1
 * is a scheme that is not allowed and an answer that is not HTTP. The phase that the
 * transfer had reached, and in few cases curl's words, decide. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/transfer.h"
#include "net/net_url.h"

typedef struct Failure {
  Error *err;
  CURLcode result;
  long os_error;
  const char *phase, *words;
  const char *proxy; /* the one on the way, shown; NULL: none */
  bool at_proxy;     /* it got no further than that */
  char url[NET_URL_SHOWN], host[NET_URL_SHOWN];
} Failure;

static bool in_phase(const Failure *f, const char *phase) {
  return strcmp(f->phase, phase) == 0;
}

static bool curl_says(const Failure *f, const char *words) {
  return strstr(f->words, words) != NULL;
}

static void fail_files(Failure *f) {
  f->phase = "connect";
  error_set(f->err, ERR_CONNECT,
            "could not connect to %s: this process has as many files open as it may "
            "(ulimit -n)",
            f->host);
}

static void fail_stopped(Failure *f) {
  f->phase = "connect";
  error_set(
      f->err, ERR_TEST_CLOCK,
      "%s is not asked: while a test's clock stands connections lead to fake servers "
      "only (test.server)",
      f->host);
}

static void fail_timeout(Failure *f) {
  const char *of = f->at_proxy ? "the proxy " : "";
  const char *whom = f->at_proxy ? f->proxy : f->host;
  if (in_phase(f, "dns"))
    error_set(f->err, ERR_TIMEOUT, "timed out resolving the name of %s%s", of, whom);
  else if (in_phase(f, "connect"))
    error_set(f->err, ERR_TIMEOUT, "timed out connecting to %s%s%s", f->host,
              f->proxy ? " through the proxy " : "", f->proxy ? f->proxy : "");
  else if (in_phase(f, "tls"))
    error_set(f->err, ERR_TIMEOUT, "timed out in the TLS handshake with %s%s", of, whom);
  else error_set(f->err, ERR_TIMEOUT, "timed out waiting for the answer of %s", f->url);
}

static void fail_proxy(Failure *f) {
  f->phase = "proxy";
  error_set(f->err, ERR_PROXY, "the proxy for %s: %s", f->host, f->words);
}

static void fail_connect(Failure *f) {
  if (f->proxy) {
    fail_proxy(f);
    return;
  }
  const char *why = f->os_error ? strerror((int)f->os_error) : "no connection";
  error_set(f->err, ERR_CONNECT, "could not connect to %s: %s", f->host, why);
}

static void fail_tls(Failure *f) {
  if (f->at_proxy) fail_proxy(f);
  else if (curl_says(f, "SSL_ERROR_SYSCALL") || curl_says(f, "Connection reset by peer"))
    error_set(f->err, ERR_RESET, "%s closed the connection in the TLS handshake",
              f->host);
  else if (f->result == CURLE_SSL_CACERT_BADFILE)
    error_set(f->err, ERR_TLS, "the file of trusted certificates cannot be used");
  else if (f->result == CURLE_SSL_CERTPROBLEM)
    error_set(f->err, ERR_TLS, "the client certificate or its key cannot be used: %s",
              f->words);
  else if (f->result == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
    error_set(f->err, ERR_TLS, "the public key of %s is not the pinned one", f->host);
  else if (f->result == CURLE_PEER_FAILED_VERIFICATION)
    error_set(f->err, ERR_TLS, "the certificate of %s is not trusted: %s", f->host,
              f->words);
  else
    error_set(f->err, ERR_TLS, "no secure connection to %s: %s%s", f->host,
              curl_says(f, "wrong version number")
                  ? "it does not speak TLS here (is it http:// or ws://?): "
                  : "",
              f->words);
}

/* The connection failed while it was in use, or while a proxy was asked for it: nobody
 * else says anything before there is a connection. */
static void fail_broken(Failure *f) {
  if (f->at_proxy) fail_proxy(f);
  else if (curl_says(f, " alert "))
    error_set(f->err, ERR_TLS, "%s refused the secure connection: %s", f->host, f->words);
  else if (curl_says(f, "chunk") || curl_says(f, "Chunk"))
    error_set(f->err, ERR_PROTOCOL, "%s answered with a malformed chunk", f->url);
  else if (in_phase(f, "response"))
    error_set(f->err, ERR_RESET,
              "the connection to %s broke before the answer was complete", f->host);
  else if (in_phase(f, "tls")) fail_tls(f);
  else fail_proxy(f);
}

static void fail_reply(Failure *f) {
  if (curl_says(f, "Content-Length")) {
    error_set(f->err, ERR_PROTOCOL, "the answer of %s breaks the rules of HTTP: %s",
              f->url, f->words);
    return;
  }
  error_set(f->err, ERR_DECODE, "the answer of %s is not well-formed HTTP: %s", f->url,
            f->words);
}

static void fail_other(Failure *f) {
  if (in_phase(f, "response"))
    error_set(f->err, ERR_RESET, "the exchange with %s failed: %s", f->host, f->words);
  else error_set(f->err, ERR_CONNECT, "could not connect to %s: %s", f->host, f->words);
}

static void fail_name(Failure *f) {
  if (f->at_proxy) fail_proxy(f);
  else error_set(f->err, ERR_DNS, "could not resolve the name of %s", f->host);
}

static void error_from_curl(Failure *f) {
  switch (f->result) {
  case CURLE_COULDNT_RESOLVE_HOST:
    fail_name(f);
    return;
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_PROXY:
    fail_proxy(f);
    return;
  case CURLE_COULDNT_CONNECT:
    fail_connect(f);
    return;
  case CURLE_OPERATION_TIMEDOUT:
    fail_timeout(f);
    return;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
  case CURLE_PEER_FAILED_VERIFICATION:
    fail_tls(f);
    return;
  case CURLE_BAD_CONTENT_ENCODING:
    error_set(f->err, ERR_DECODE, "the answer of %s could not be decompressed", f->url);
    return;
  case CURLE_OUT_OF_MEMORY: /* what curl calls a header line above its limit */
  case CURLE_FILESIZE_EXCEEDED:
    error_set(f->err, ERR_TOO_LARGE, "the answer of %s is larger than the limit", f->url);
    return;
  case CURLE_ABORTED_BY_CALLBACK:
    error_set(f->err, ERR_ABORTED, "the request to %s was given up", f->url);
    return;
  case CURLE_URL_MALFORMAT:
    error_set(f->err, ERR_URL, "the URL %s cannot be used", f->url);
    return;
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_WEIRD_SERVER_REPLY:
    fail_reply(f);
    return;
  case CURLE_SEND_FAIL_REWIND:
  case CURLE_RECV_ERROR:
  case CURLE_SEND_ERROR:
  case CURLE_GOT_NOTHING:
  case CURLE_PARTIAL_FILE:
    fail_broken(f);
    return;
  default:
    fail_other(f);
  }
}

/* Before the host itself there is the proxy: its name, its connection, and where that is
 * secure the first layer of TLS. */
static bool ends_at_proxy(const Failure *f, const Transfer *transfer) {
  if (!f->proxy) return false;
  bool secure = strncasecmp(f->proxy, "https:", 6) == 0;
  return in_phase(f, "dns") || in_phase(f, "connect") ||
         (in_phase(f, "tls") && secure && transfer->layers == 1);
}

/* The phase is "response" from the moment the request may go out; headers that came
 * before were a proxy's. */
static Sent was_sent(const Failure *f, CURL *easy) {
  long headers = 0;
  if (!in_phase(f, "response")) return SENT_NO;
  curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &headers);
  return headers > 0 ? SENT_YES : SENT_UNKNOWN;
}

void net_error(Error *err, CURL *easy, CURLcode result, const char *curl_words,
               const char *what) {
  Transfer *transfer = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
  Failure f = {.err = err, .result = result, .words = curl_words};
  if (!curl_words || !*curl_words) f.words = curl_easy_strerror(result);
  f.phase = transfer && transfer->phase ? transfer->phase : "dns";
  f.proxy = transfer ? transfer->proxy : NULL;
  f.at_proxy = ends_at_proxy(&f, transfer);
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &f.os_error);
  net_url_show(what, f.url);
  net_url_show_host(what, f.host);
  if (transfer && transfer->way == WAY_NONE) fail_stopped(&f);
  else if (transfer && transfer->no_files && f.result == CURLE_COULDNT_CONNECT)
    fail_files(&f);
  else error_from_curl(&f);
  error_detail(err, "%s", f.words);
  err->phase = f.phase;
  err->sent = was_sent(&f, easy);
}

NetTlsEnd net_tls_ended(CURL *easy) {
  enum { RECEIVED_SHUTDOWN = 2 };
  struct curl_tlssessioninfo *info = NULL;
  int (*get_shutdown)(const void *ssl);
  void *symbol = dlsym(RTLD_DEFAULT, "SSL_get_shutdown");
  curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info);
  if (!symbol || !info || info->backend != CURLSSLBACKEND_OPENSSL || !info->internals)
    return NET_TLS_UNKNOWN;
  memcpy(&get_shutdown, &symbol, sizeof get_shutdown);
  return get_shutdown(info->internals) & RECEIVED_SHUTDOWN ? NET_TLS_ENDED
                                                           : NET_TLS_NOT_ENDED;
}

const char *net_tls_alert(CURL *easy, CURLcode result, const char *words) {
  if (result == CURLE_OK) return NULL;
  if (strstr(words, " alert ")) return words;
  return net_tls_ended(easy) == NET_TLS_ENDED
             ? "by an alert behind the handshake: certificate required, probably"
             : NULL;
}
