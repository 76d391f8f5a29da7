/* A stream of server-sent events that a script declares: a resource, so that its
 * connection, its last id and what has been read go on over a reload. Who connects, and
 * when again, is said by the connector, a function of the script's generation
 * (stdlib/http/events.lua). */
#ifndef TIDELOCK_RESOURCE_EVENT_SOURCE_H
#define TIDELOCK_RESOURCE_EVENT_SOURCE_H

#include "net/http.h"
#include "resource/resources.h"

typedef struct EventSourceOptions {
  char *url;         /* with another one, the last id is another stream's */
  char *fingerprint; /* of all that its requests are made of */
  char *last_id;     /* to begin with; "": none */
  size_t max_event;  /* bytes */
  bool passive;      /* it only keeps the last id of a loop */
} EventSourceOptions;

extern const ResourceKind event_source_kind; /* options: EventSourceOptions */

/* declaration->functions: connector(ask, id, retry, number, opened, lost, err). `lost`:
 * the connection has ended, with `err` or without. It returns "open" when it has called
 * event_source_adopt; "over"; or nil, err, and the seconds until it is asked again, if it
 * is to be. */
enum { EVENT_SOURCE_CONNECTOR = 0 };
/* declaration->outgoing: who keeps the last id, after all handlers; off() leaves them. */

/* The stream goes on with this body: a request whose head is there, or with NULL the
 * text. Takes the request in each case. False: `ask` is no question that is open. */
bool event_source_adopt(const Declaration *decl, uint64_t ask, HttpRequest *http,
                        const char *text, size_t len, bool gap);

/* A loop has had this id. */
void event_source_note(const Declaration *decl, const char *id, size_t len);
/* The last id, borrowed until the next event; *len 0: none, or it is closed. */
const char *event_source_id(const Declaration *decl, size_t *len);
/* The same of the script's stream of this name; NULL: there is none. */
const char *event_source_find_id(const Vm *vm, const char *name, size_t *len);
const char *event_source_state(const Declaration *decl); /* static */

#endif
