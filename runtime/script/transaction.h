/* What the files of a reload share (batch.c → transaction.c → stage.c, notice.c); nobody
 * else includes it. */
#ifndef TIDELOCK_SCRIPT_TRANSACTION_H
#define TIDELOCK_SCRIPT_TRANSACTION_H

#include "script/script.h"
#include "resource/resource.h"

struct Reload {
  Event event; /* its end, between two turns */
  Runtime *rt;
  Script **scripts; /* owned list; in the order of adding, then of dependence */
  size_t count;
  char *shared;    /* the file that ties them; owned; NULL: one script alone */
  size_t staging;  /* how many still run */
  Script *culprit; /* why it fails; NULL: it does not */
  bool queued, given_up;
};

/* batch.c: paths of the files that differ, borrowed from either; the list is owned. */
typedef struct Changes {
  const char **paths;
  size_t count;
} Changes;
Changes sources_changes(const Sources *old, const Sources *fresh);
void changes_free(Changes *changes);
/* What was tried came to nothing: it is worth another try when what it used changes. */
void load_note_failed(Script *script, const Sources *tried);

/* transaction.c: takes the lists and the sources, one for each script, and stages them.
 */
void reload_begin(Runtime *rt, Script **scripts, Sources **sources, size_t count,
                  char *shared);
void reload_staged(Script *script, bool ok); /* the top level has ended */

/* stage.c */
void stage(Script *script, Sources *sources); /* takes sources; ends in reload_staged */

/* notice.c. Telling the log, and the scripts that want to hear. */
void notice_failed(Script *script, Generation *gen, const char *message);
void notice_held(Script *script, const Reload *reload);
void notice_probation(Script *script, const char *text); /* of the one that runs */
/* What the swap did; to be put together before its resources are started. Appends. */
void notice_describe(Generation *gen, Buffer *out);
/* The line, in the log; `what` becomes it. */
void notice_log(Script *script, const Sources *old, double pause, Buffer *what);
void notice_tell(Script *script, Buffer *text, double pause); /* to scripts */

#endif
