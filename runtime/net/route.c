/* Routes: see route.h. */
#include "net/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base64.h"
#include "core/hash.h"
#include "net/net_url.h"
#include "net/transfer.h"

enum { FIELDS = 7 };

/* All strings of a route, for what is done to each. */
static void fields_of(const Route *r, const char *out[FIELDS]) {
  const char *all[FIELDS] = {r->proxy,        r->ca_file, r->cert,   r->key,
                             r->key_password, r->pin,     r->ciphers};
  memcpy(out, all, sizeof all);
}

void route_copy(Route *to, const Route *from) {
  *to = (Route){.proxy = xstrdup(from->proxy),
                .ca_file = xstrdup(from->ca_file),
                .cert = xstrdup(from->cert),
                .key = xstrdup(from->key),
                .key_password = xstrdup(from->key_password),
                .pin = xstrdup(from->pin),
                .ciphers = xstrdup(from->ciphers),
                .insecure = from->insecure};
}

void route_free(Route *route) {
  const char *all[FIELDS];
  fields_of(route, all);
  for (int i = 0; i < FIELDS; i++) free((char *)all[i]);
  *route = (Route){0};
}

bool route_equal(const Route *a, const Route *b) {
  const char *of_a[FIELDS], *of_b[FIELDS];
  fields_of(a, of_a);
  fields_of(b, of_b);
  for (int i = 0; i < FIELDS; i++)
    if (of_a[i] && of_b[i] ? strcmp(of_a[i], of_b[i]) != 0 : of_a[i] != of_b[i])
      return false;
  return a->insecure == b->insecure;
}

uint64_t route_hash(uint64_t hash, const Route *route) {
  const char *of[FIELDS];
  fields_of(route, of);
  for (int i = 0; i < FIELDS; i++)
    hash = hash_bytes(hash, of[i] ? of[i] : "", of[i] ? strlen(of[i]) : 0);
  return hash;
}

/* --- checks ----------------------------------------------------------------------- */

static int check_proxy(const char *proxy, Error *err) {
  static const char *const schemes[] = {"http",    "https",  "socks4",
                                        "socks4a", "socks5", "socks5h"};
  const char *rest = strstr(proxy, "://");
  char shown[NET_URL_SHOWN];
  net_url_show(proxy, shown);
  if (!rest || !rest[3])
    return error_set(err, ERR_URL, "the proxy %s must be a URL: http://host:port, say",
                     shown);
  for (size_t i = 0; i < COUNT_OF(schemes); i++)
    if (strlen(schemes[i]) == (size_t)(rest - proxy) &&
        strncasecmp(proxy, schemes[i], (size_t)(rest - proxy)) == 0)
      return 0;
  return error_set(err, ERR_URL,
                   "the proxy %s cannot be used: there are http, https, socks4, socks4a, "
                   "socks5 and socks5h",
                   shown);
}

/* The library reads the file whole while everything waits: a pipe may never end, and a
 * device does not. */
static int check_file(const char *what, const char *path, Error *err) {
  enum { MOST = 16 << 20 };
  struct stat is;
  const char *why = NULL;
  if (!path) return 0;
  if (access(path, R_OK) != 0 || stat(path, &is) != 0) why = strerror(errno);
  else if (!S_ISREG(is.st_mode)) why = "it is no regular file";
  else if (is.st_size > MOST) why = "it has more than 16 MiB";
  if (!why) return 0;
  ErrorCode code = access(path, R_OK) != 0 ? ERR_NOT_FOUND : ERR_INVALID;
  return error_set(err, code, "the %s %.200s cannot be read: %s", what, path, why);
}

/* One or more of "sha256//" and 44 characters of base64, joined by ';'. */
static bool is_pin(const char *pin) {
  for (;;) {
    size_t len = strcspn(pin, ";");
    if (len != 52 || strncmp(pin, "sha256//", 8) != 0 || pin[51] != '=') return false;
    pin += len;
    if (!*pin++) return true;
  }
}

int route_check(const Route *r, Error *err) {
  if (r->key && !r->cert)
    return error_set(err, ERR_INVALID, "a key needs its certificate (cert)");
  int code = r->proxy && *r->proxy ? check_proxy(r->proxy, err) : 0;
  if (!code) code = check_file("file of trusted certificates", r->ca_file, err);
  if (!code) code = check_file("client certificate", r->cert, err);
  if (!code) code = check_file("key of the client certificate", r->key, err);
  if (code) return code;
  if (r->pin && !is_pin(r->pin))
    return error_set(err, ERR_INVALID,
                     "pin must be \"sha256//\" and the base64 of a SHA-256, several "
                     "joined by ;");
  return 0;
}

/* --- use -------------------------------------------------------------------------- */

/* A directory of certificates keeps curl from sharing the store between connections: with
 * a bundle alone they are read once and not for each connection. */
static void apply_trust(const Route *r, CURL *easy) {
  const char *bundle = NULL;
  if (r->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, r->ca_file);
  curl_easy_getinfo(easy, CURLINFO_CAINFO, &bundle);
  if (r->ca_file || bundle) curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  if (r->pin) curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, r->pin);
  if (r->ciphers) curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, r->ciphers);
  if (!r->insecure) return;
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

/* The key may stand in the certificate's file. */
static void apply_identity(const Route *r, CURL *easy) {
  if (!r->cert) return;
  curl_easy_setopt(easy, CURLOPT_SSLCERT, r->cert);
  curl_easy_setopt(easy, CURLOPT_SSLKEY, r->key ? r->key : r->cert);
  if (r->key_password) curl_easy_setopt(easy, CURLOPT_KEYPASSWD, r->key_password);
}

void route_name_proxy(const char *proxy, Transfer *transfer) {
  char shown[NET_URL_SHOWN];
  net_url_show(proxy, shown);
  transfer->proxy = xstrdup(shown);
}

/* Set explicitly, so that curl does not ask the environment. */
static void apply_proxy(const Route *r, const NetUrl *url, Transfer *transfer) {
  CURL *easy = transfer->easy;
  RouteProxy proxy;
  route_proxy(r, url, &proxy);
  if (url->unix_path) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, url->unix_path);
  curl_easy_setopt(easy, CURLOPT_PROXY, proxy.url ? proxy.url : "");
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
  if (proxy.url) route_name_proxy(proxy.url, transfer);
  route_proxy_free(&proxy);
}

void route_apply(const Route *r, const NetUrl *url, Transfer *transfer) {
  apply_trust(r, transfer->easy);
  apply_identity(r, transfer->easy);
  apply_proxy(r, url, transfer);
}
