/* Watching the folders of scripts, so that a save reloads. Folders are watched, not
 * files: a watch on a file dies with the first save by renaming. Loop thread only. */
#ifndef TIDELOCK_SOURCES_WATCH_H
#define TIDELOCK_SOURCES_WATCH_H

#include "loop/loop.h"
#include "sources/sources.h"

typedef struct Watch Watch;
typedef void WatchKey; /* a script, as its owner knows it; never looked into */

/* Whether what was read of a script's sources looks like the whole of a save. */
typedef enum Settled {
  SETTLED,        /* one file differs, and it compiles; or none does */
  SETTLED_PARTLY, /* several files differ, one is gone, or one does not compile */
  SETTLED_EMPTY,  /* a file that held code holds none: more of it is likely to come */
} Settled;

typedef struct WatchOptions {
  bool poll; /* without the system's word: look once a second */
  /* Some of them have changed: asks watch_take_changed of each, and reads those. */
  void (*changed)(void *ctx);
  void *ctx;
  bool (*runs)(const WatchKey *key); /* a version of it is in force */
  /* Compares with the sources of the version in force. */
  Settled (*settled)(const WatchKey *key, const Sources *fresh);
} WatchOptions;

Watch *watch_new(Loop *loop, Log *log, const WatchOptions *options); /* returns new */
void watch_free(Watch *watch); /* its uv handles close with the loop's next turn */
/* Watches the folders the sources came from for this script, and no others any more.
 * Where a watch is new, the script is read once more: what changed meanwhile counts. */
void watch_sources(Watch *watch, WatchKey *key, const char *name, const char *path,
                   const Sources *sources);
/* Whether the script is to be read; asking takes the mark off. */
bool watch_take_changed(Watch *watch, const WatchKey *key);
/* Whether the script's sources will be read once more soon, because of a folder that is
 * new: then they may not be whole yet. No more often than a few times on end. */
bool watch_reads_again(Watch *watch, const WatchKey *key);
/* Whether this does not look like the whole of a save, so that what changed is to be read
 * once more, later. */
bool watch_waits(Watch *watch, const WatchKey *key, const Sources *sources);
void watch_again(Watch *watch, const WatchKey *key); /* it is to be read again then */

#endif
