/* Numbers: those that scripts give to functions and in options, and their text in queries
 * and headers. One rule for all modules: a number is one (a string with digits is not),
 * it is not NaN, it lies within the bounds, and it is infinite only where math.huge
 * stands for "no limit". */
#ifndef TIDELOCK_LUA_NUMBER_H
#define TIDELOCK_LUA_NUMBER_H

#include <lua.h>
#include <stdbool.h>

/* Pushes the text of the number at `index`: 5 for 5.0, all digits of a large one. False,
 * and nothing pushed, where it is not finite. */
bool number_push_text(lua_State *L, int index);

typedef struct NumberRule {
  double least, most;
  bool above; /* more than `least` */
  bool whole; /* 2 or 2.0, not 2.5 */
  bool huge;  /* or math.huge */
} NumberRule;

#define NUMBER_SECONDS 1e9 /* the most that a timer takes */
#define NUMBER_DAY 86400.0
#define NUMBER_WHOLE                                                                     \
  9007199254740992.0 /* 2^53: up to there each whole number is exact                     \
                      */

/* Pushes what is wrong with the value at `index`, to follow its name: "must be 0 to 9,
 * not -1". False, and nothing pushed: it keeps the rule. */
bool number_push_problem(lua_State *L, int index, const NumberRule *rule);

/* The argument at `index`. words: what is wanted there, for the error. */
double number_argument(lua_State *L, int index, const NumberRule *rule,
                       const char *words);
/* The field of the table at t, or the standard where it is nil; the error is of that
 * level, as options_raise has it. what: "socket.connect". */
double number_option(lua_State *L, int t, int level, const char *what, const char *key,
                     const NumberRule *rule, double standard);

#endif
