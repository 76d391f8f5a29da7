/* The Lua standard library as compiled into the binary: what stdlib/ held (but for
 * stdlib/meta) when it was built. Read-only, there for the life of the process.
 * The table is written by stdlib_data.sh, beside this file. */
#ifndef TIDELOCK_VM_STDLIB_H
#define TIDELOCK_VM_STDLIB_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct StdlibFile {
  const char *module;        /* as required: "tidelock.query" */
  const char *path;          /* as in tracebacks: "stdlib/query.lua" */
  const unsigned char *data; /* the source; a NUL follows it */
  size_t size;
} StdlibFile;

extern const StdlibFile stdlib_files[]; /* ends with a NULL module */

/* What `tidelock new` writes is in the table too, and is no module. */
static inline bool stdlib_is_template(const StdlibFile *file) {
  return strncmp(file->path, "stdlib/new/", 11) == 0;
}

#endif
