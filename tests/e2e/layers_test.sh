#!/usr/bin/env bash
# tests/check/layers.sh and counts.sh, on a tree of a few files made for it.
. "$(dirname "$0")/helpers.bash"
mkdir -p "$TMPDIR/tree" && cd "$TMPDIR/tree" || exit 1
file() { mkdir -p "runtime/${1%/*}" && cat >"runtime/$1"; } # FOLDER/NAME: from standard input
layers() {
  "$ROOT/tests/check/layers.sh" "$@" >"$TMPDIR/said" 2>&1
  status=$?
  seen=$(grep -v '(warning)$' "$TMPDIR/said")
}
layers_hold() { layers; [ "$status:$seen" = 0: ]; }
layers_fail() { [ "$status" = 1 ] && has "$1"; }

file core/low.h <<<'int low(void);'
printf '#include "core/low.h"\nint low(void) { return 1; }\n' | file core/low.c
file script/high.h <<<'int high(void);'
printf '#include "script/high.h"\n#include "core/low.h"\nint high(void) {\n  return low();\n}\n' | file script/high.c
check "a use of a folder below is none of its business" layers_hold

printf '#include "core/low.h"\nint high(void); /* low */\nint low(void) {\n  return high();\n}\n' | file core/low.c
layers
check "a call upwards is found, whatever declares it" has "runtime/core/low.c:2: core/low uses script/high, above it (uses high)"
printf '#include "core/low.h"\n#include "script/high.h"\nint low(void) { return 1; }\n' | file core/low.c
layers
check "so is an include" has "runtime/core/low.c:2: core/low uses script/high, above it (includes it)"
printf '#include "core/low.h"\n#include <script/high.h>\nint low(void) { return 1; }\n' | file core/low.c
layers
check "a file of ours is not included as a library's" has 'write it as "script/high.h"'
printf '#include "core/low.h"\nint low(void) { return 1; } /* high(), "high()" */\n' | file core/low.c
check "words in comments and texts are no calls" layers_hold

file net/beside.h <<<'typedef int Beside;'
file data/user.h <<<'#include "net/beside.h"'
layers
check "a folder beside is not to be used" has "data/user uses net/beside, beside it"
file data/user.h <<<'#include <curl/curl.h>'
layers
check "a library belongs to its folders" has "data may not include <curl/curl.h>"
rm -r runtime/data

file core/other.h <<<'int other(void);'
printf '#include "core/other.h"\n#include "core/low.h"\nint other(void) { return low(); }\n' | file core/other.c
check "a file of the same folder may be used" layers_hold
printf '#include "core/low.h"\n#include "core/other.h"\nint low(void) { return other(); }\n' | file core/low.c
layers
check "but not in a circle" has "a circle: core/low, core/other"
check "which is shown arrow by arrow" in_order "runtime/core/other.c:3: core/other uses core/low (uses low)" \
  "runtime/core/low.c:3: core/low uses core/other (uses other)"

rm runtime/core/other.[ch]
printf '#include "core/low.h"\nint low(void) { return 1; }\n' | file core/low.c
file core/fam.h <<<'typedef int Fam;'
file core/fam_parts.h <<<'#include "core/fam.h"'
printf '#include "core/fam_parts.h"\nint fam(void) { return 1; }\n' | file core/fam.c
check "the types of a family are no circle with it" layers_hold
file core/parts.h <<<'#include "core/fam.h"'
printf '#include "core/parts.h"\nint fam(void) { return 1; }\n' | file core/fam.c
check "nor are those of a folder" layers_hold
# Each way to use what stands above, in a core/low.c and .h that otherwise use nothing.
rm runtime/core/*
up="core/low uses script/high, above it"
low() { # LOW.C [LOW.H]
  printf '%b' "$1" | file core/low.c
  printf '%b' "${2:-int low(void);\n}" | file core/low.h
  layers
}
printf 'int high(void);\nextern int high_count;\n#define HIGH 1\n' | file script/high.h
printf '#include "script/high.h"\nint high_count;\nint high(void) __attribute__((cold));\nint high(void) {\n  return 1;\n}\n' | file script/high.c
low '#include "core/low.h"\nint low(void) { return 1; }\n' 'int low(void);\n'
check "nothing is used" [ "$status:$seen" = 0: ]
low 'int low(void) { return 1; }\n' 'extern int high(void);\n#define LOW_HIGH() (high() + 1)\n'
check "a macro in a header" layers_fail "runtime/core/low.h:1: $up (uses high)"
low 'int low(void) { return 1; }\n' 'int low(void);\nint high(void);\nstatic inline int low_two(void) {\n  return high();\n}\n'
check "an inline function in a header" layers_fail "runtime/core/low.h:2: $up (uses high)"
low '#define CALL(name) hi##name()\nint low(void) {\n  return CALL(gh);\n}\n'
check "a name that a macro pastes together" layers_fail "runtime/core/low.c:3: $up (uses high)"
low '#define PASTE(a, b) a##b\n#define CALL(a, b) PASTE(a, b)\nint low(void) {\n  return CALL(hi, gh)();\n}\n'
check "by way of another macro" layers_fail "runtime/core/low.c:4: $up (uses high)"
low 'int low(void) {\n  return hi\\\ngh();\n}\n'
check "a name that a line cuts in two" layers_fail "runtime/core/low.c:2: $up (uses high)"
low 'extern int high(void);\n\nstatic int (*const table[])(void) = {high};\nint low(void) { return table[0](); }\n'
check "a table of functions" layers_fail "runtime/core/low.c:1: $up (uses high)"
low 'extern int high_count;\nint low(void) { return high_count; }\n'
check "a variable, declared here" layers_fail "runtime/core/low.c:1: $up (uses high_count)"
low '\nint low(void *all) { return dlsym(all, "high") != 0; }\n'
check "a name that the linker looks up" layers_fail "runtime/core/low.c:2: $up (uses high)"
low 'int low(void) { return 1; }\n' '\n#include "../script/high.h"\n'
check "an include that starts where the file is" layers_fail "runtime/core/low.h:2: $up (includes it)"
check "which is to be written otherwise" layers_fail 'runtime/core/low.h:2: write it as "folder/name.h"'
low '#define WHICH "script/high.h"\n#include WHICH\nint low(void) { return 1; }\n'
check "an include by a macro" layers_fail "runtime/core/low.c:2: $up (includes it)"
low '#include "core/../script/high.h"\nint low(void) { return 1; }\n'
check "a way round" layers_fail "runtime/core/low.c:1: $up (includes it)"
file core/low.x <<<'#include "script/high.h"'
low '#include "core/low.x"\nint low(void) { return 1; }\n'
check "a file with another ending" layers_fail "runtime/core/low.x:1: $up (includes it)"
rm runtime/core/low.x
low '#\\\ninclude <script/high.h>\nint low(void) { return 1; }\n'
check "an include of another form" layers_fail "runtime/core/low.c:2: $up (includes it)"
low '/* #include "script/high.h" */\nint low(void) { return 1; }\n'
check "one in a comment is none" [ "$status:$seen" = 0: ]
low 'int low(void) { return curl_easy_init() != 0; }\n'
check "a library's function without its header" layers_fail "runtime/core/low.c:1: core may not use curl_easy_init"
file core/below/deep.h <<<'#include "script/high.h"'
low 'int low(void) { return 1; }\n'
check "a header in a folder below a room" layers_fail "runtime/core/below/deep.h:1: core/below/deep uses script/high, above it"
rm -r runtime/core/below
printf 'int high(void) {\n  return MADE();\n}\n#define DEFINE(name) int name##_made(void) { return 1; }\nDEFINE(high)\n' | file script/high.c
low 'int high_made(void);\nint low(void) { return high_made(); }\n'
check "a function that a macro defines" layers_fail "runtime/core/low.c:1: $up (uses high_made)"
printf '#include "script/high.h"\nint high(void) {\n  return 1;\n}\n' | file script/high.c
printf 'int high(void);\nint low(void);\n' | file script/high.h
low '#include "script/high.h"\nint low(void) { return 1; }\n'
check "a header above that declares what is defined here" layers_fail "runtime/core/low.c:1: $up (includes it)"
file script/high.h <<<'int high(void);'
printf '#include <curl/curl.h>\n' | file core/a.h
printf '#include "attic/b.h"\n#include "x.h"\n' | file core/b.h
low '#include "script/high.h"\nint low(void) { return 1; }\n'
check "all that is wrong is said at once" in_order "no such folder: attic" 'write it as "folder/name.h"' \
  "core may not include <curl/curl.h>" "$up (includes it)"
rm runtime/core/*

# Circles.
file core/a.h <<<'#include "core/b.h"'
file core/b.h <<<'#include "core/a.h"'
layers
check "a circle of headers alone" in_order "a circle: core/a, core/b" "runtime/core/b.h:1: core/b uses core/a" "runtime/core/a.h:1: core/a uses core/b"
printf '#include "core/b.h"\nint a(void);\n' | file core/a.h
printf 'int a(void);\nint b(void);\nstatic inline int b_two(void) { return a(); }\n' | file core/b.h
file core/a.c <<<'int a(void) { return 1; }'
layers
check "a circle by a function in a header" in_order "a circle: core/a, core/b" "runtime/core/b.h:1: core/b uses core/a (uses a)"
rm runtime/core/*
file core/fam.h <<<'#include "core/fam_parts.h"'
file core/fam_parts.h <<<'#include "core/fam.h"'
layers
check "one of a family's types with its door" layers_fail "runtime/core/fam_parts.h:1"
rm runtime/core/*
for pair in a:b b:c c:a; do
  printf "#include \"core/${pair#*:}.h\"\nint ${pair%:*}(void) { return ${pair#*:}(); }\n" | file core/${pair%:*}.c
  file core/${pair%:*}.h <<<"int ${pair%:*}(void);"
done
layers
check "a circle of three files, each arrow with its place" in_order "a circle: core/a, core/b, core/c" \
  "core/a uses core/b" "core/b uses core/c"
check "the one that closes it too" layers_fail "runtime/core/c.c:2: core/c uses core/a (uses a)"
rm runtime/core/c.[ch]
file script/c.h <<<'int c(void);'
file script/c.c <<<'int c(void) { return a(); }'
printf 'int c(void);\nint b(void) { return c(); }\n' | file core/b.c
layers
check "a circle of three files in two folders" layers_fail "runtime/core/b.c:1: core/b uses script/c, above it (uses c)"
rm runtime/core/* runtime/script/*

# Types that are for one folder alone.
file core/fam_parts.h <<<'typedef int Fam;'
file core/fam.h <<<'#include "core/fam_parts.h"'
file script/user.h <<<'#include "core/fam.h"'
layers
check "types that come through another header" layers_fail \
  "runtime/script/user.h:1: core/fam_parts.h is for files of core/ alone, through core/fam.h: its types are opaque outside"
printf 'typedef int Fam;\nint fam(void);\n' | file core/fam_parts.h
layers
check "a function among types" layers_fail "runtime/core/fam_parts.h:2: fam is declared among types"
rm -r runtime/core runtime/script

# The list of what is allowed stands beside the check.
mkdir -p tests && cp -R "$ROOT/tests/check" tests/
allowed() { # LINES...
  printf '%s\n' "$@" >tests/check/layers.allow
  seen=$(tests/check/layers.sh 2>&1) status=$?
}
for name in a b; do
  file core/$name.c <<<"int core_$name(void) { return high_$name(); }"
  for c in a b c d; do file script/$c.c <<<"int high_$c(void) { return 1; }"; done
done
allowed "core/a script/a: for now" "core/b script/b: for now"
check "what is allowed is not said" [ "$status:$seen" = 0: ]
allowed "core/* script/*: for now"
check "a pattern is refused" has "layers.allow:1: name each file"
allowed "core/{a,b} script/{a,b,c,d}: for now"
check "each arrow between folders counts, not each line" has "8 arrows between folders are allowed: 6 are the most"
allowed "core/a script/a: for now" "core/b script/b: for now" "core/a script/c: for now"
check "one that nothing does is named" has "layers.allow:3: nothing does it any more (warning)"
allowed "core/a script/a for now"
check "a line is to have its reason" has 'layers.allow:1: write it as "FROM TO: REASON"'
rm -r tests runtime

# The tree that this is of, with an arrow more.
cp -R "$ROOT/runtime" .
check "the tree holds" layers_hold
planted() { # NAME FILE TEXT SAID
  cp "runtime/$2" "$TMPDIR/kept"
  printf '%b' "$3" >>"runtime/$2"
  layers
  check "planted in it: $1" layers_fail "runtime/$2:$(wc -l <"runtime/$2"): $4"
  mv "$TMPDIR/kept" "runtime/$2"
}
planted "a call" core/log.c 'void log_more(void) { runtime_free(0); }\n' "core/log uses script/runtime, above it (uses runtime_free)"
planted "a kind" vm/handler.c 'const void *handler_kind(void) { return &timer_kind; }\n' "vm/handler uses resource/timer, above it"
planted "a macro" bridge/box.h '#define BOX_STORE store_new\n' "bridge/box uses data/store, beside it"
planted "a circle" loop/loop.h '#define LOOP_WAKE(loop) wakes_listen(loop, 0)\n' "loop/loop uses loop/wake"
planted "a header" vm/print.h '#include "script/script.h"\n' "vm/print uses script/script, above it"
rm -r runtime

mkdir -p runtime/core runtime/script
file core/low.h <<<'int low(void);'
file core/other.h <<<'int other(void);'
printf '#include "core/other.h"\n#include "core/low.h"\nint other(void) { return low(); }\n' | file core/other.c
printf '#include "core/low.h"\n#include "core/other.h"\nint low(void) { return other(); }\n' | file core/low.c
file script/high.h <<<'int high(void);'

seen=$("$ROOT/tests/check/counts.sh" --list)
check "the figures count it" in_order "upward arrows between folders:       0" "upward arrows inside folders:        1" \
  "circles of files:" "core/low, core/other"
check "and one-word statics and files without a test" in_order "static functions of one word:        0 of 0" "0 of 0 with logic"
file script/other.h <<<'static inline int one(void) { return 1; }'
printf 'static int one(int a) {\n  return a ? 1 : 2;\n}\nstatic int two_words(int told) {\n  return one(told);\n}\n' | file script/words.c
seen=$("$ROOT/tests/check/counts.sh" --list)
check "by their names" in_order "static functions of one word:        2 of 3, 66.7 % (script 2)" "script/words.c:1: one" \
  '"told", "tell":                      2' "0 of 1 with logic" runtime/script/words.c
file script/plain.c <<<'/* if it is so, for a while */ int plain(void) { return 1; }'
file core/words.c <<<'int core_words(int a) { return a ? 1 : 2; }'
file core/words.h <<<'static inline int two(int a) { return a; } /* it tells, telling */'
mkdir -p tests/c && printf '#include "script/words.h"\n' >tests/c/words_test.c
seen=$("$ROOT/tests/check/counts.sh" --list)
check "of two files of one name the test is of that whose header it includes" has "1 of 2 with logic; without: core 1"
check "inline functions of headers are counted" has "static functions of one word:        3 of 4"
check "so is each form of the word" has '"told", "tell":                      4'

file attic/new.h <<<''
layers
check "a folder on no floor is refused" has "runtime/attic/new.h: no such folder: attic"
rm -r runtime && mkdir runtime
for name in layers counts lengths docs; do
  seen=$("$ROOT/tests/check/$name.sh" 2>&1) status=$?
  check "a tree without C files is not passed by $name" [ "$status" != 0 ]
  check "which says so" has "runtime: run it at the root of the tree"
done
exit $bad
