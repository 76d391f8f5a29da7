/* The Lua standard library, compiled into the binary: the files of stdlib/ without
 * stdlib/meta. Read-only, for the life of the process. The build generates the table with
 * stdlib_data.sh, beside this file. */
#ifndef TIDELOCK_VM_STDLIB_H
#define TIDELOCK_VM_STDLIB_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct StdlibFile {
  const char *module;        /* as required: "tidelock.store" */
  const char *path;          /* as in tracebacks: "stdlib/store.lua" */
  const unsigned char *data; /* the source; a NUL follows it */
  size_t size;
} StdlibFile;

extern const StdlibFile stdlib_files[]; /* ends with a NULL module */

/* The templates of `tidelock new` are in the table, too; they are no modules. */
static inline bool stdlib_is_template(const StdlibFile *file) {
  return strncmp(file->path, "stdlib/new/", 11) == 0;
}

#endif
