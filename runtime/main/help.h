/* What the commands and options are, in words: for help, and for what was probably meant.
 */
#ifndef TIDELOCK_MAIN_HELP_H
#define TIDELOCK_MAIN_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "core/suggest.h"

void help_all(FILE *out);
/* Of one command; false when there is none of that name. `out` NULL: only tells. */
bool help_command(FILE *out, const char *word);
/* What the value of an option ("--env") is called, "" where it takes none; NULL: there is
 * no such option. */
const char *help_option_value(const char *option);
/* For a command, or an option: ` (did you mean "run"?)` or ""; lives as long as s. */
const char *help_meant_command(Suggestion *s, const char *word);
const char *help_meant_option(Suggestion *s, const char *option);

#endif
