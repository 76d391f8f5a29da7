/* Reports of loads, in the log and to scripts that set script.on_notice. Called at the
 * two ends of a load: when sources cannot be read, and when its transaction is over. */
#ifndef TIDELOCK_SCRIPT_NOTICE_H
#define TIDELOCK_SCRIPT_NOTICE_H

typedef struct LoadTransaction LoadTransaction;
typedef struct Runtime Runtime;
typedef struct Script Script;

/* The sources of the script cannot be read. */
void notice_unreadable(Script *script, const char *message);
/* What the reports hold of failures; nothing where none failed. */
void notice_failed(const LoadTransaction *t);
/* The scripts that were replaced: in the log, before their on_start runs; then to
 * scripts. */
void notice_log_reloaded(LoadTransaction *t);
void notice_deliver_reloaded(LoadTransaction *t);
/* Of the running generation, which is on probation. */
void notice_rollback(Script *script, const char *text);
/* Where a script draws on the terminal, that is it reads lines of standard input and sets
 * script.on_notice, the log goes elsewhere, so that it does not write into the drawing.
 * Calls RuntimeOptions.screen with true the first time that a script does; with false
 * where none does and no load is under way. */
void notice_find_screen(Runtime *rt);

#endif
