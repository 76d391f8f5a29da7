/* Watching the folders of scripts, so that a save reloads. Folders are watched, not
 * files: a watch on a file dies with the first save by renaming. */
#ifndef TIDELOCK_SOURCES_WATCH_H
#define TIDELOCK_SOURCES_WATCH_H

#include "script/runtime.h"
#include "sources/sources.h"

Watch *watch_new(Runtime *rt); /* returns new */
void watch_free(Watch *watch); /* its uv handles close with the loop's next turn */
/* Watches the folders the sources came from for this script, and no others any more.
 * Where a watch is new, the script is read once more: what changed meanwhile counts. */
void watch_sources(Watch *watch, Script *script, const Sources *sources);
/* Whether the script's sources will be read once more soon, because of a folder that is
 * new: then they may not be whole yet. No more often than a few times on end. */
bool watch_reads_again(Watch *watch, const Script *script);
/* Whether this does not look like the whole of a save, so that what changed is to be read
 * once more, later. */
bool watch_waits(Watch *watch, const Script *script, const Sources *sources);
void watch_again(Watch *watch, const Script *script); /* it is to be read again then */

#endif
