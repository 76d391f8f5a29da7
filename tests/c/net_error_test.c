/* What curl calls a failure, and what it is called here: the code, the phase, and whether
 * the server can have seen the request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/transfer.h"

/* proxy: the one on the way; layers: of TLS that were begun. */
static Error error_by(CURLcode result, const char *phase, const char *words, char *proxy,
                      int layers) {
  CURL *easy = curl_easy_init();
  Transfer transfer = {.easy = easy, .phase = phase, .proxy = proxy, .layers = layers};
  Error err;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  net_error(&err, easy, result, words, "http://me:secret@host.example:81/path?token=x");
  curl_easy_cleanup(easy);
  return err;
}

static Error error_of(CURLcode result, const char *phase, const char *words) {
  return error_by(result, phase, words, NULL, 1);
}

static void each_failure_has_its_code(void **state) {
  (void)state;
  static const struct {
    CURLcode result;
    const char *phase, *words;
    ErrorCode code;
    const char *phase_told;
  } cases[] = {
      {CURLE_COULDNT_RESOLVE_HOST, "dns", "", ERR_DNS, "dns"},
      {CURLE_COULDNT_RESOLVE_PROXY, "dns", "", ERR_PROXY, "proxy"},
      {CURLE_COULDNT_CONNECT, "connect", "Failed to connect to host.example port 81",
       ERR_CONNECT, "connect"},
      {CURLE_OPERATION_TIMEDOUT, "dns", "", ERR_TIMEOUT, "dns"},
      {CURLE_OPERATION_TIMEDOUT, "response", "", ERR_TIMEOUT, "response"},
      {CURLE_SSL_CONNECT_ERROR, "tls", "wrong version number", ERR_TLS, "tls"},
      {CURLE_SSL_CONNECT_ERROR, "tls", "OpenSSL SSL_connect: SSL_ERROR_SYSCALL",
       ERR_RESET, "tls"},
      {CURLE_PEER_FAILED_VERIFICATION, "tls", "self-signed", ERR_TLS, "tls"},
      {CURLE_SSL_PINNEDPUBKEYNOTMATCH, "tls", "", ERR_TLS, "tls"},
      {CURLE_BAD_CONTENT_ENCODING, "response", "", ERR_DECODE, "response"},
      {CURLE_FILESIZE_EXCEEDED, "response", "", ERR_TOO_LARGE, "response"},
      {CURLE_ABORTED_BY_CALLBACK, "response", "", ERR_ABORTED, "response"},
      {CURLE_URL_MALFORMAT, "dns", "", ERR_URL, "dns"},
      {CURLE_WEIRD_SERVER_REPLY, "response", "Invalid Content-Length: value",
       ERR_PROTOCOL, "response"},
      {CURLE_WEIRD_SERVER_REPLY, "response", "Received HTTP/0.9", ERR_DECODE, "response"},
      {CURLE_RECV_ERROR, "response", "Recv failure: Connection reset by peer", ERR_RESET,
       "response"},
      {CURLE_RECV_ERROR, "response", "bad chunk", ERR_PROTOCOL, "response"},
      {CURLE_RECV_ERROR, "response", "sslv3 alert handshake failure", ERR_TLS,
       "response"},
      {CURLE_RECV_ERROR, "connect", "Recv failure", ERR_PROXY, "proxy"},
      {CURLE_RECV_ERROR, "tls", "reading: Connection reset by peer", ERR_RESET, "tls"},
      {CURLE_GOT_NOTHING, "response", "Empty reply from server", ERR_RESET, "response"},
      {CURLE_READ_ERROR, "response", "", ERR_RESET, "response"},
      {CURLE_READ_ERROR, "connect", "", ERR_CONNECT, "connect"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Error err = error_of(cases[i].result, cases[i].phase, cases[i].words);
    if (err.code != cases[i].code || strcmp(err.phase, cases[i].phase_told) != 0)
      fail_msg("%zu: curl's %d in %s: code %d in %s: %s", i, cases[i].result,
               cases[i].phase, (int)err.code, err.phase, err.message);
  }
}

/* Up to the host itself it is the proxy that fails; a time-out stays one, and names it.
 */
static void what_fails_at_a_proxy_is_told_of_it(void **state) {
  (void)state;
  static const struct {
    CURLcode result;
    const char *phase, *proxy;
    int layers;
    ErrorCode code;
    bool named;
  } cases[] = {
      {CURLE_COULDNT_RESOLVE_HOST, "dns", "socks5h://p:1", 0, ERR_PROXY, false},
      {CURLE_COULDNT_CONNECT, "connect", "http://p:1", 0, ERR_PROXY, false},
      {CURLE_RECV_ERROR, "connect", "http://p:1", 0, ERR_PROXY, false},
      {CURLE_PEER_FAILED_VERIFICATION, "tls", "https://p:1", 1, ERR_PROXY, false},
      {CURLE_PEER_FAILED_VERIFICATION, "tls", "https://p:1", 2, ERR_TLS, false},
      {CURLE_PEER_FAILED_VERIFICATION, "tls", "http://p:1", 1, ERR_TLS, false},
      {CURLE_OPERATION_TIMEDOUT, "dns", "http://p:1", 0, ERR_TIMEOUT, true},
      {CURLE_OPERATION_TIMEDOUT, "connect", "socks4://p:1", 0, ERR_TIMEOUT, true},
      {CURLE_OPERATION_TIMEDOUT, "tls", "https://p:1", 1, ERR_TIMEOUT, true},
      {CURLE_OPERATION_TIMEDOUT, "tls", "https://p:1", 2, ERR_TIMEOUT, false},
      {CURLE_OPERATION_TIMEDOUT, "response", "http://p:1", 0, ERR_TIMEOUT, false},
      {CURLE_RECV_ERROR, "response", "http://p:1", 0, ERR_RESET, false},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Error err = error_by(cases[i].result, cases[i].phase, "why", (char *)cases[i].proxy,
                         cases[i].layers);
    bool named = strstr(err.message, cases[i].proxy) != NULL;
    if (err.code != cases[i].code || named != cases[i].named)
      fail_msg("%zu: code %d: %s", i, (int)err.code, err.message);
  }
}

static void no_secret_of_the_url_is_shown(void **state) {
  (void)state;
  for (int result = 1; result < CURL_LAST; result++) {
    static const char *const phases[] = {"dns", "connect", "tls", "response"};
    for (size_t i = 0; i < COUNT_OF(phases); i++) {
      Error err = error_of((CURLcode)result, phases[i], "");
      assert_true(err.code != ERR_NONE && err.message[0] != '\0');
      if (strstr(err.message, "secret") || strstr(err.message, "token=x"))
        fail_msg("curl's %d: %s", result, err.message);
    }
  }
}

static void a_request_is_sent_in_its_last_phase(void **state) {
  (void)state;
  assert_int_equal(error_of(CURLE_RECV_ERROR, "connect", "x").sent, SENT_NO);
  assert_int_equal(error_of(CURLE_OPERATION_TIMEDOUT, "tls", "x").sent, SENT_NO);
  assert_int_equal(error_of(CURLE_RECV_ERROR, "response", "x").sent, SENT_UNKNOWN);
}

static void what_is_wrong_is_said_in_words(void **state) {
  (void)state;
  Error err = error_of(CURLE_SSL_CONNECT_ERROR, "tls", "error: wrong version number");
  assert_non_null(strstr(err.message, "host.example:81"));
  assert_non_null(strstr(err.message, "is it http:// or ws://?"));
  err = error_of(CURLE_COULDNT_RESOLVE_HOST, "dns", NULL); /* curl has said nothing */
  assert_string_equal(err.message, "could not resolve the name of host.example:81");
  assert_non_null(strstr(err.detail, "resolve"));
}

static void a_lack_of_descriptors_is_told_apart(void **state) {
  (void)state;
  CURL *easy = curl_easy_init();
  Transfer transfer = {.easy = easy, .phase = "connect", .no_files = true};
  Error err;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  net_error(&err, easy, CURLE_COULDNT_CONNECT, "", "http://a/");
  assert_int_equal(err.code, ERR_CONNECT);
  assert_non_null(strstr(err.message, "ulimit -n"));
  curl_easy_cleanup(easy);
}

static void an_alert_is_a_reason(void **state) {
  (void)state;
  CURL *easy = curl_easy_init();
  assert_null(net_tls_alert(easy, CURLE_OK, "tlsv13 alert certificate required"));
  assert_string_equal(net_tls_alert(easy, CURLE_RECV_ERROR, "tlsv13 alert x"),
                      "tlsv13 alert x");
  assert_null(net_tls_alert(easy, CURLE_RECV_ERROR, "Connection reset by peer"));
  curl_easy_cleanup(easy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_failure_has_its_code),
      cmocka_unit_test(what_fails_at_a_proxy_is_told_of_it),
      cmocka_unit_test(no_secret_of_the_url_is_shown),
      cmocka_unit_test(a_request_is_sent_in_its_last_phase),
      cmocka_unit_test(what_is_wrong_is_said_in_words),
      cmocka_unit_test(a_lack_of_descriptors_is_told_apart),
      cmocka_unit_test(an_alert_is_a_reason),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
