/* script.keep over restarts (script.keep_options{persist = true}). A generation that asks
 * for it reads what is stored, once, if none runs yet; the file is the generation's until
 * it takes over, then the script's, whose generations hand it on. Nothing is written for
 * a load that is given up. */
#ifndef TIDELOCK_SCRIPT_KEEP_FILE_H
#define TIDELOCK_SCRIPT_KEEP_FILE_H

#include "core/buffer.h"
#include "core/error.h"

typedef struct Script Script;
typedef struct Generation Generation;
typedef struct KeepFile KeepFile;

/* STAGING: the generation asks for it. Reads what is stored into its keep, if it is the
 * first. 0, or why not: BUSY (another process), IO, MEMORY. */
int keep_file_open(Generation *gen, Error *err);
/* The generation is the current one now. */
void keep_file_take_over(Generation *gen);
/* A task of the generation has run: what it changed is on its way within 100 ms. */
void keep_file_touch(Generation *gen);
/* Writes nothing: the generation never took over. Harmless when there is no file. */
void keep_file_drop(Generation *gen);
void keep_file_close(Script *script); /* writes the changes that are not on disk yet */

/* What is stored (data/kept.h) as JSON, for people; appends. False: it cannot be read. */
bool keep_file_show(const char *bytes, size_t len, Buffer *out);

#endif
