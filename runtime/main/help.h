/* The texts about commands and options: for help, and to suggest a name for a wrong one.
 */
#ifndef TIDELOCK_MAIN_HELP_H
#define TIDELOCK_MAIN_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "core/buffer.h"
#include "core/suggest.h"

void help_all(FILE *out);
/* The help of one command; false when there is none of that name. `out` NULL: nothing is
 * printed.
 */
bool help_command(FILE *out, const char *word);
/* The name of an option's value ("FILE" of "--env"), "" where it takes none; NULL: there
 * is no such option. */
const char *help_option_value(const char *option);
/* The name itself, static; NULL: there is no such option. */
const char *help_option(const char *option);
/* Whether the command takes it. */
bool help_option_of(const char *option, const char *word);
/* Appends the commands that take it: "demo, run and data". */
void help_option_commands(const char *option, Buffer *out);
/* For a command, or an option of the command `word` (NULL: of any): ` (did you mean
 * "run"?)` or ""; lives as long as s. */
const char *help_meant_command(Suggestion *s, const char *word);
const char *help_meant_option(Suggestion *s, const char *option, const char *word);

#endif
