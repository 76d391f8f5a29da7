/* The sources of a script as they were at one moment: the file, or every .lua file below
 * the folder, and those in a `lib` folder beside it. A load sees only these, so that a
 * save half-way through many files cannot mix versions. A NAME_test.lua in the folder of
 * a script, or in tests/ there or below, sees the modules of that folder; one
 * beside NAME.lua sees that. */
#ifndef TIDELOCK_SOURCES_SOURCES_H
#define TIDELOCK_SOURCES_SOURCES_H

#include "core/buffer.h"
#include "core/error.h"
#include "sources/uses.h"
#include "sources/watch_points.h"

typedef struct SourceFile {
  char *module; /* "services.api"; "" for the script itself */
  char *path;   /* as shown in errors: the way the user named it */
  char *text;
  size_t len;
} SourceFile;

typedef struct Sources {
  SourceFile *files;
  size_t count;
  uint64_t hash;      /* of all names and texts */
  int others;         /* how many more hold it */
  WatchPoints points; /* for watching: where a change would be one of them */
  Uses uses;          /* of the load that was made from them */
} Sources;

Sources *sources_read(const char *path,
                      Error *err); /* returns new, or NULL: NOT_FOUND, IO, ... */
/* Whether there is nothing to read: no file or folder at the path, or no main.lua in it.
 */
bool sources_gone(const char *path);
Sources *sources_retain(Sources *sources); /* one more holds it; the loop's thread */
void sources_free(Sources *sources);       /* by the last who holds it */
const SourceFile *sources_find(const Sources *sources, const char *module); /* borrows */
/* Whether that is what others would call the script's own file, which nothing requires:
 * "bot" of bot.lua, "main" of a folder. */
bool sources_is_self(const Sources *sources, const char *module);
/* For the load that is made from them: what it asks for counts as used. */
const SourceFile *sources_use(Sources *sources, const char *module);
/* Of what these modules are here. */
uint64_t sources_hash_of(const Sources *sources, const Uses *uses);
/* The Lua text of the file, without a byte order mark and a first line that starts with
 * "#"; lines keep their numbers. Borrows. */
const char *source_code(const SourceFile *file, size_t *len);
bool source_is_empty(const SourceFile *file); /* nothing but comments and blanks */
/* Appends the lines around `line` of the file shown as `path`, numbered, with a mark. */
void sources_excerpt(const Sources *sources, const char *path, int line, Buffer *out);

#endif
