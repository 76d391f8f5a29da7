/* What the definition of a session says, and the listener's type. */
#ifndef TIDELOCK_RESOURCE_SESSION_OPTIONS_H
#define TIDELOCK_RESOURCE_SESSION_OPTIONS_H

#include "core/base.h"

typedef struct SessionOptions {
  bool remember, shared; /* shared: others may use it */
  char *account;         /* owned; NULL: the only one */
  char **origins;        /* owned: where the tokens go; none: that of the login */
  size_t count;
} SessionOptions;

/* Hears of each change of a session. Embed it. */
typedef struct SessionListener SessionListener;
struct SessionListener {
  SessionListener *next, **at; /* `at` NULL: it listens to none */
  void (*changed)(SessionListener *listener);
};

bool session_options_same(const void *a, const void *b);
bool session_options_in_place(const void *a, const void *b); /* it is the same session */
void session_options_free(void *options);

/* Returns new: "https://example.org", the port only where it is unusual; NULL: no URL. */
char *session_origin(const char *url);

#endif
