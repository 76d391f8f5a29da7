/* URLs of http, https, ws and wss, taken apart by curl's own parser, and of sockets in
 * the file system: unix:/run/app.sock, or unix:/run/app.sock:/path?query. Pure. */
#ifndef TIDELOCK_NET_NET_URL_H
#define TIDELOCK_NET_NET_URL_H

#include "core/error.h"

/* Owns its strings. */
typedef struct NetUrl {
  char *url;       /* with http or https, without credentials and fragment */
  char *origin;    /* "https://example.org:443", lower case, the port always there */
  char *authority; /* "example.org:8080" as a Host header has it */
  char *path;      /* starts with '/', without segments of dots */
  char *query;     /* NULL: none */
  char *user, *password; /* decoded; NULL: none */
  char *unix_path;       /* NULL: by the network. Then `url` is of http://localhost and
                            `origin` is unix:/run/app.sock */
} NetUrl;

/* Returns 0, or ERR_URL with *err filled and out empty. ws and wss only when asked. */
int net_url_parse(NetUrl *out, const char *text, bool websocket, Error *err);
void net_url_free(NetUrl *url);
/* What to call it in messages (they are shortened then); borrows. */
const char *net_url_name(const NetUrl *url);
/* A redirect of the same server, asked over a socket in the file system, stays there. */
void net_url_stay(NetUrl *next, const NetUrl *from);

/* Returns new: where a Location leads from there, as text to be parsed, or NULL when it
 * says nothing. */
char *net_url_resolve(const NetUrl *from, const char *location, size_t len);
/* Returns new: "Name: Basic ..." for credentials, or NULL without a user. */
char *net_url_basic(const char *name, const char *user, const char *password);

/* For messages: without credentials, query and fragment. out holds NET_URL_SHOWN. */
enum { NET_URL_SHOWN = 160 };
void net_url_show(const char *text, char *out);
/* "host:port" alone; falls back to net_url_show. */
void net_url_show_host(const char *text, char *out);

#endif
