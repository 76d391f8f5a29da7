/* What goes over the net's curl multi handle. Only the files of net/ that drive curl
 * include it. Loop thread only. */
#ifndef TIDELOCK_NET_TRANSFER_H
#define TIDELOCK_NET_TRANSFER_H

#include <curl/curl.h>

#include "core/error.h"
#include "net/net.h"

/* A transfer: embed it. `done` is called from the poll, never in dispatch: push an Event
 * for what concerns Lua. When it is called the easy handle is still in the multi handle
 * (a CONNECT_ONLY connection must stay there). */
struct Transfer {
  CURL *easy;
  Net *net; /* from net_add on */
  void (*done)(Transfer *transfer, CURLcode result);
  const char *phase;   /* how far it is: "dns", "connect", "tls", "response"; the net's */
  bool tls;            /* part of the way is encrypted (a proxy's, too); the net's */
  int layers;          /* of TLS that were begun; the net's */
  char *proxy;         /* the one on the way, for messages; NULL: none. Owned; net_remove
                          frees it */
  bool no_files;       /* there was no descriptor for it; the net's */
  struct Apart *apart; /* where its connection is kept, if not with all; the net's */
  curl_socket_t taken; /* not curl's any more; the net's */
  /* To a fake server; or, while a test's clock stands, to nobody else. The net's. */
  enum { WAY_OUT, WAY_FAKE, WAY_NONE } way;
};
/* As curl takes times; 0 would be "no limit of mine", so that the least is 1 ms. */
long net_milliseconds(double seconds);
CURL *net_easy(Net *net); /* returns new, with the options all transfers share */
void net_add(Net *net, Transfer *transfer);
/* As net_add, for CONNECT_ONLY: its connection is kept apart from all others. */
void net_add_apart(Net *net, Transfer *transfer);
/* For the `done` of such a transfer: removes it (net_remove), but its socket stays open
 * and is the caller's. Not where something on the way is encrypted. CURL_SOCKET_BAD: the
 * peer has hung up already. */
curl_socket_t net_take_socket(Net *net, Transfer *transfer);
/* Removes the transfer and cleans its easy handle up; legal from anywhere but curl's own
 * callbacks (write, header, progress). Closing its connections may take another turn. */
void net_remove(Net *net, Transfer *transfer);

/* The error for a finished transfer: with code, phase and sent, and curl's own
 * words as the detail. `what` is the URL, shown without credentials and query. */
void net_error(Error *err, CURL *easy, CURLcode result, const char *curl_words,
               const char *what);

/* --- the end of TLS -------------------------------------------------------------------
 * Whether the peer has said by TLS that nothing more will come: a close_notify, or an
 * alert. It is looked for in the process's OpenSSL, since only curl links it; where curl
 * brings another library it is not known. */
typedef enum NetTlsEnd { NET_TLS_NOT_ENDED, NET_TLS_ENDED, NET_TLS_UNKNOWN } NetTlsEnd;
NetTlsEnd net_tls_ended(CURL *easy);
/* Why the peer refused a connection that failed with `result`; NULL: it did not. With TLS
 * 1.3 a server that wants a certificate says so behind the handshake. `words` are curl's,
 * which keeps the first that it had to say alone: that writing failed, perhaps. */
const char *net_tls_alert(CURL *easy, CURLcode result, const char *words);

#endif
