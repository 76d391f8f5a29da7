/* Watching the folders of scripts, so that a save reloads. Folders are watched, not
 * files: a watch on a file dies with the first save by renaming. Loop thread only. */
#ifndef TIDELOCK_SOURCES_WATCH_H
#define TIDELOCK_SOURCES_WATCH_H

#include "loop/loop.h"
#include "sources/sources.h"

typedef struct Watch Watch;
typedef struct Script Script; /* never looked into */

/* Whether what was read of a script's sources looks like the whole of a save. */
typedef enum Settled {
  SETTLED,        /* one file differs, and it compiles; or none does */
  SETTLED_PARTLY, /* several files differ, one is gone, or one does not compile */
  SETTLED_EMPTY,  /* a file that held code holds none: more of it is likely to come */
} Settled;

typedef struct WatchOptions {
  bool poll; /* without the system's word: look once a second */
  /* The sources of these have changed; read them, and then watch_sources. */
  void (*changed)(void *ctx, Script *const *scripts, size_t count);
  void *ctx;
  bool (*has_loaded)(const Script *script); /* a generation of it is in force */
} WatchOptions;

Watch *watch_new(Loop *loop, Log *log, const WatchOptions *options); /* returns new */
void watch_free(Watch *watch); /* its uv handles close with the loop's next turn */
/* Watches the folders the sources came from for this script, and no others any more.
 * Where a watch is new, the script is read once more: what changed meanwhile counts. */
void watch_sources(Watch *watch, Script *script, const char *name, const char *path,
                   const Sources *sources);
/* Whether the script's sources will be read once more soon, because of a folder that is
 * new: then they may not be whole yet. No more often than a few times on end. */
bool watch_reads_again(Watch *watch, const Script *script);
/* Whether sources that look like this, compared with those in force, are probably not the
 * whole of a save: they are not to be loaded, but read once more, later. Only for scripts
 * that have loaded. */
bool watch_waits(Watch *watch, const Script *script, Settled settled);
void watch_again(Watch *watch, const Script *script); /* it is reported again then */

#endif
